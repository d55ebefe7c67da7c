"""A session: what is tried, in which order, and what is answered."""

import json
from dataclasses import replace
from types import SimpleNamespace

from trainadvisor.judge.result import Finding, Handling
from trainadvisor.verify import trial_runs
from trainadvisor.verify.answer import document
from trainadvisor.verify.trial_runs import early, ranked


def finding(code, kind="cause", **fields) -> Finding:
    """Return a finding with nothing but its code."""
    return Finding(
        code=code, family="x", kind=kind, severity="error", confidence="likely", title=code, sentence=code, **fields
    )


def answered(session):
    """Run a session and return its document."""
    session.run()
    return document(session)


def test_the_remedy_that_cures_is_verified(session):
    """The change that the script lacks is found, repeated over the seeds and reported with its figures."""
    found = answered(session("needs add-zero-grad"))
    best = found.verified[0]
    assert (found.answer, best.change, best.metric, best.seeds, best.wins) == (
        "verified", "add-zero-grad", "validation accuracy", 3, 3,
    )  # fmt: skip
    assert abs(best.before - 0.5) < 0.01
    assert abs(best.after - 0.98) < 0.01
    assert best.interval[0] < 0.48 < best.interval[1]
    assert "missing-zero-grad" in best.gone


def test_a_healthy_run_is_left_alone(session):
    """Nothing but the baseline is run where nothing is found."""
    made = session("healthy")
    found = answered(made)
    assert (found.answer, found.trials, found.verified) == ("nothing-to-cure", [], [])
    assert len(made.baselines) == 1


def test_no_remedy_helps_is_said_with_what_it_rules_out(session):
    """If no change helps, everything tried is reported with what it rules out."""
    found = answered(session("needs magic"))
    assert (found.answer, found.verified) == ("none-helped", [])
    assert len(found.trials) > 3
    assert "the initial weights" in found.ruled_out
    assert found.diagnosis["findings"][0]["confidence"] == "likely"


def test_two_changes_are_combined_when_one_alone_helps_a_little(session):
    """A change that only makes its finding go away is joined with others until the metric is better."""
    found = answered(session("needs add-zero-grad clip"))
    best = found.verified[0]
    assert {best.change, *(c.change for c in best.combined_with)} == {"add-zero-grad", "clip"}


def test_a_script_that_ignores_seeds_is_told_so(session):
    """Runs with other seeds that are the same to the last bit are no further evidence."""
    found = answered(session("needs add-zero-grad", "seedless"))
    assert found.verified[0].seeds == 1
    assert any("ignores other seeds" in note for note in found.notes)


def test_a_script_that_is_not_deterministic_is_told_so(session):
    """A first loss that differs under a change that acts later is no effect of it."""
    found = answered(session("needs add-zero-grad", "random"))
    assert any("not deterministic" in note for note in found.notes)


def test_a_deterministic_script_is_not_called_otherwise(session):
    """The quiet case of the note."""
    assert answered(session("needs add-zero-grad")).notes == []


def test_a_refused_change_is_not_compared(session):
    """A change that finds no place is reported as refused, with the reason."""
    found = answered(session("needs add-zero-grad", "refuses add-zero-grad"))
    assert found.trials[0].verdict == "refused"
    assert found.trials[0].detail == "add-zero-grad: no place"
    assert found.verified == []


def test_a_change_that_breaks_the_script_is_not_compared(session):
    """The last line of the script's stderr is reported."""
    found = answered(session("needs add-zero-grad", "crashes add-zero-grad"))
    assert (found.trials[0].verdict, found.trials[0].detail) == ("failed", "ValueError: it does not fit")


def test_an_ignored_change_is_told(session):
    """A run that is the same to the last bit shows that the script ignores the change."""
    found = answered(session("needs magic", "ignores add-zero-grad"))
    assert found.trials[0].verdict == "ignored"
    assert any("add-zero-grad" in note for note in found.notes)


def test_only_the_wanted_finding_is_tried(session):
    """--code restricts the trials to the remedies of one finding, --fix to its first one."""
    asked = answered(session("needs magic", code="missing-zero-grad"))
    assert {trial.code for trial in asked.trials} == {"missing-zero-grad"}
    fixed = answered(session("needs magic", fix="missing-zero-grad"))
    assert [trial.changes[0].change for trial in fixed.trials] == ["add-zero-grad"]


def test_a_finding_that_is_not_there_is_not_tried(session):
    """A code that was not found in the run leads to no trial."""
    found = answered(session("needs magic", code="lr-too-high"))
    assert (found.answer, found.trials) == ("nothing-to-cure", [])
    assert "lr-too-high" in found.sentence


def test_the_budget_is_kept(session):
    """When no more runs fit, what was learned until then is reported, and nothing more is started."""
    made = session("needs magic")
    room = iter([True, True, False])
    made.budget.fits = lambda *_: next(room)
    assert [trial.verdict for trial in answered(made).trials] == ["no-better", "no-better"]


def test_one_pair_is_told_as_such(session):
    """Where the budget leaves no room for other seeds, the answer says so."""
    made = session("needs add-zero-grad")
    room = iter([True, False])
    made.budget.fits = lambda *_: next(room)
    found = answered(made)
    assert found.verified[0].seeds == 1
    assert any("one pair" in note for note in found.notes)


def test_a_gain_of_one_seed_in_five_is_not_verified(session):
    """Where the unmodified script does as well with most seeds, the remedy is promising at best."""
    found = answered(session("needs add-zero-grad", "lucky"))
    best = found.verified[0]
    assert (found.answer, best.wins, best.seeds) == ("promising", 1, 5)
    assert any("with 4 other seeds" in note for note in found.notes)
    assert found.confidence == {}


def test_what_shows_only_at_the_end_is_not_judged_of_a_cut_run():
    """A schedule longer than a run that was cut is no fault; what it explained stays."""
    end = Handling(phase="end")
    inner = finding("no-learning", kind="symptom", handling=end)
    told = early([finding("lr-schedule", explains=[inner], handling=end), finding("lr-too-high")])
    assert [item.code for item in told] == ["no-learning", "lr-too-high"]


def test_what_was_seen_to_be_wrong_is_judged_of_a_cut_run_too():
    """Though a running training is not told of it before its end."""
    seen = finding("wrong-loss-function", handling=Handling(phase="end", evidence="direct"))
    assert [item.code for item in early([seen])] == ["wrong-loss-function"]


def test_the_document_is_json_of_its_schema(session):
    """What is written can be read back, and says which schema it has."""
    found = answered(session("needs add-zero-grad", "loses"))
    told = json.loads(found.model_dump_json())
    assert told["schema"] == "trainadvisor/verify/1"
    assert {"baseline", "trials", "verified"} <= set(told)
    assert {"change", "arguments", "metric", "before", "after", "interval", "seeds", "wins", "diff"} <= set(
        told["verified"][0]
    )


def test_confidence_rises_with_a_cure(session):
    """The finding whose remedy cured the run is as sure as can be."""
    found = answered(session("needs add-zero-grad"))
    first = found.diagnosis["findings"][0]
    assert (first["code"], first["confidence"]) == ("missing-zero-grad", "certain")
    assert first["remedies"][0]["verified"]["better"] is True


def test_trials_leave_no_trace_in_the_folder(session, tmp_path):
    """What the script writes lands in a scratch copy that is gone afterwards."""
    answered(session("needs add-zero-grad", "writes out.txt"))
    assert [path.name for path in (tmp_path / "project").iterdir()] == ["train.txt"]


def test_an_interrupt_keeps_what_was_learned(session):
    """Ctrl-C after the second trial leaves both in the document."""
    made = session("needs magic")

    class Interrupting(type(made.progress)):
        def judged(self, _):
            if len(made.tried) == 2:
                raise KeyboardInterrupt

    made.progress = Interrupting()
    found = answered(made)
    assert (found.interrupted, len(found.trials)) == (True, 2)


def test_of_two_that_end_together_the_one_that_was_begun_first_is_told(session):
    """Two remedies that cure equally are reported in the order of trying, not of ending."""
    made = session("needs add-zero-grad")
    made.run()
    first = made.tried[0]
    second = replace(first, place=1)
    assert [one.place for one in ranked([second, replace(first, place=0)])] == [0, 1]


def test_a_repetition_without_an_end_is_no_evidence(session, monkeypatch):
    """It is left out; one that came to its end is kept, and compared where it was not refused."""
    made = session("needs add-zero-grad")
    tried = SimpleNamespace(candidate=None, runs=[], trials=[], compared=["before"])
    run = SimpleNamespace(log=None)
    monkeypatch.setattr(trial_runs, "judge", lambda *_: SimpleNamespace(verdict="unfinished"))
    made._add(tried, run, run)
    assert (tried.runs, tried.compared) == ([], ["before"])
    monkeypatch.setattr(trial_runs, "judge", lambda *_: SimpleNamespace(verdict="failed"))
    monkeypatch.setattr(trial_runs, "pair", lambda *_: None)
    made.baselines[None], run.seed, tried.candidate = run, None, SimpleNamespace(label="x")
    made.progress = SimpleNamespace(repeated=lambda _: None)
    made._add(tried, run, run)
    assert (tried.runs, tried.compared) == ([run], [])
