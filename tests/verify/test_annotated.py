"""The outcome of trials in the diagnosis, and the sentence of an answer, from made-up parts without any run."""

from __future__ import annotations

from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.commands.verifying import Printed
from trainadvisor.i18n.language import Words
from trainadvisor.judge.result import Diagnosis
from trainadvisor.trials.jobs import Change
from trainadvisor.verify import answer
from trainadvisor.verify.annotate import marked
from trainadvisor.verify.plan import Candidate
from trainadvisor.verify.ruled_out import ruled_out
from trainadvisor.verify.trial_runs import Tried
from trainadvisor.verify.verify_result import Applied, Baseline, Verification, Verified

EN = Words("en")
LR: dict[str, Any] = {"change": "lr", "arguments": {"value": 0.1}}


def finding(code: str, *remedies: dict[str, Any], confidence: str = "likely") -> dict[str, Any]:
    """Return a finding with remedies."""
    base = {"family": "x", "kind": "cause", "severity": "error", "title": code, "sentence": code}
    listed = [{**remedy, "applies": "paste", "text": "t"} for remedy in remedies]
    return {**base, "code": code, "confidence": confidence, "remedies": listed}


def diagnosis(*findings: dict[str, Any]) -> Diagnosis:
    """Return a broken run."""
    return Diagnosis.model_validate({"state": "broken", "summary": "it is broken.", "findings": list(findings)})


def verified(**more: Any) -> Verified:
    """Return a remedy that helped."""
    figures = {
        "metric": "accuracy",
        "before": 0.1,
        "after": 0.9,
        "interval": None,
        "seeds": 3,
        "wins": 3,
        "diff": "+ b",
    }
    return Verified.model_validate({**LR, **figures, "code": "b", "text": "set it", "where": "train.py:4", **more})


def tried(verdict: str, code: str = "a", *changes: Change, better: bool = False) -> Any:
    """Return a candidate that was tried."""
    chosen = changes or (Change("lr", {"value": 0.1}),)
    return SimpleNamespace(candidate=Candidate(chosen, code), verdict=verdict, better=better, compared=[])


def notes(told: Diagnosis) -> list[list[tuple[str, bool]]]:
    """Return of each finding the change of each remedy and whether it helped, those tried."""
    return [[(r.change, r.verified["better"]) for r in f.remedies if r.verified] for f in told.findings]


def test_a_remedy_that_helped_is_marked_wherever_it_stands() -> None:
    """It is not added a second time."""
    told = marked(diagnosis(finding("a", LR), finding("b", LR)), [], [verified()], EN)
    assert notes(told) == [[("lr", True)], [("lr", True)]]
    assert [len(found.remedies) for found in told.findings] == [1, 1]


@pytest.mark.parametrize(("code", "place"), [("b", 1), ("gone", 0)])
def test_one_that_no_finding_named_is_added_to_its_own(code: str, place: int) -> None:
    """Else to the first."""
    told = marked(diagnosis(finding("a"), finding("b")), [], [verified(code=code)], EN)
    (added,) = told.findings[place].remedies
    assert (added.change, added.applies, added.text, added.code, added.where) == (
        "lr",
        "try",
        "set it",
        "+ b",
        "train.py:4",
    )
    assert told.findings[1 - place].remedies == []


def test_a_combination_is_no_remedy_of_one_finding() -> None:
    """It is added, and the remedy that is a part of it stays untried."""
    both = verified(combined_with=[Applied(change="clip", arguments={})])
    told = marked(diagnosis(finding("a", LR), finding("b", LR)), [], [both], EN)
    assert notes(told) == [[], [("lr", True)]]


def test_without_findings_there_is_nothing_to_mark() -> None:
    """The diagnosis stays as it is."""
    assert marked(diagnosis(), [], [verified()], EN) == diagnosis()


@pytest.mark.parametrize(
    ("verdict", "noted"),
    [
        ("no-better", True),
        ("worse", True),
        ("hopeless", True),
        ("refused", False),
        ("failed", False),
        ("ignored", False),
    ],
)
def test_only_what_was_tried_to_its_end_is_noted(verdict: str, *, noted: bool) -> None:
    """With what came of it, and less confidence in the finding."""
    told = marked(diagnosis(finding("a", LR)), [tried(verdict)], [], EN)
    assert notes(told) == [[("lr", False)] if noted else []]
    assert told.findings[0].confidence == ("possible" if noted else "likely")


@pytest.mark.parametrize(
    ("gone", "gain", "confidence"), [(["a"], 0.8, "certain"), (["a"], 0.1, "likely"), ([], 0.8, "likely")]
)
def test_what_is_certain_stays_so_beside_a_small_gain(gone: list[str], gain: float, confidence: str) -> None:
    """Its own remedy has made it go away and gained something, too little to count with one seed."""
    one = tried("no-better")
    one.trials, one.gain = [SimpleNamespace(gone=gone)], gain
    told = marked(diagnosis(finding("a", LR, confidence="certain")), [one], [], EN)
    assert told.findings[0].confidence == confidence


def test_what_helped_is_no_failure() -> None:
    """Neither is one of two changes that were tried together."""
    two = (Change("lr", {"value": 0.1}), Change("clip", {}))
    for one in (tried("better", better=True), tried("worse", "other", *two)):
        told = marked(diagnosis(finding("a", LR)), [one], [], EN)
        assert (notes(told), told.findings[0].confidence) == ([[]], "likely")


def test_a_finding_that_is_gone_is_surer() -> None:
    """One that is still there is not."""
    found = [verified(code="a", gone=["a"]), verified(code="b", gone=["a"])]
    told = marked(diagnosis(finding("a"), finding("b")), [], found, EN)
    assert [item.confidence for item in told.findings] == ["certain", "likely"]


UNSURE = Diagnosis.model_validate({"state": "cannot-tell", "summary": "it learns little."})
WANTED = SimpleNamespace(fix="lr-too-low", code=None)


def session(**parts: Any) -> Any:
    """Return a session that is over."""
    run = SimpleNamespace(
        usable=True, diagnosis=diagnosis(finding("a")), outcome=SimpleNamespace(seconds=12.3, stopped=None)
    )
    request = SimpleNamespace(fix=None, code=None)
    given = {
        "baseline": run,
        "diagnosis": run.diagnosis,
        "screening": None,
        "tried": [],
        "request": request,
        "typical": 7.6,
        "enough": "1m",
        "interrupted": False,
    }
    return SimpleNamespace(**{"left": 0, "by_hand": None} | given | parts)


@pytest.mark.parametrize(
    ("state", "wanted", "said"),
    [
        ("cannot-tell", {}, "not-judged"), ("cannot-tell", {"fix": "a"}, "nothing-to-cure"),
        ("cannot-tell", {"code": "a"}, "nothing-to-cure"), ("healthy", {}, "nothing-to-cure"),
    ],
)  # fmt: skip
def test_a_run_in_doubt_has_nothing_to_cure_only_of_what_was_asked_for(
    state: str, wanted: dict[str, str], said: str
) -> None:
    """By --fix as by --code; a healthy run has nothing to cure at all."""
    request = SimpleNamespace(**{"fix": None, "code": None, **wanted})
    judged = Diagnosis.model_validate({"state": state, "summary": ""})
    assert answer._answer(session(diagnosis=judged, request=request), []) == said


def test_what_the_person_or_the_budget_ended_is_told_so() -> None:
    """The script has not died, and its budget was not too small for a trial."""
    document = Verification(answer="not-judged", baseline=Baseline(state="broken", summary="why"))
    said = answer._sentence(session(interrupted=True, screening=1), document, EN)
    assert said == "you interrupted it before trial 1 ended"
    cut = SimpleNamespace(usable=False, diagnosis=None, steps=7, outcome=SimpleNamespace(seconds=5.2, stopped="limit"))
    said = answer._sentence(session(baseline=cut, budget=SimpleNamespace(total=5.0)), document, EN)
    assert said.startswith("its budget ended the unmodified run after 5 s and 7 steps")


@pytest.mark.parametrize(("code", "key"), [(1, "verify.script-failed"), (0, "verify.no-steps")])
def test_a_script_that_fails_before_its_first_step_is_not_told_to_need_more_time(code: int, key: str) -> None:
    """It is the error that has to be mended."""
    document = Verification(answer="not-judged", baseline=Baseline(state="broken", summary="why"))
    outcome = SimpleNamespace(seconds=3.0, stopped=None, code=code)
    failed = SimpleNamespace(usable=False, diagnosis=None, steps=0, outcome=outcome)
    assert answer._sentence(session(baseline=failed), document, EN) == EN(key, seconds="3", reason="why")


def test_what_the_budget_left_untried_is_named() -> None:
    """Unless the person ended the search."""
    baseline = SimpleNamespace(cut=False)
    request = SimpleNamespace(prior=None, target="absent.py", seeds=3)
    screening = SimpleNamespace(untried=["lr value=0.1", "init to=he"])
    parts = {"notes": [], "baseline": baseline, "request": request, "screening": screening, "tried": []}
    notes = answer._notes(session(**parts, interrupted=False), [], EN)
    assert notes == ["not tried within the budget: lr value=0.1, init to=he; a larger --budget comes to them"]
    assert answer._notes(session(**parts, interrupted=True), [], EN) == []


def test_a_gain_that_may_be_nothing_is_not_proven() -> None:
    """Its interval holds zero; one that does not is, with most of its seeds."""
    over = SimpleNamespace(notes=[])
    assert not answer._proven(over, verified(interval=[-0.07, 0.9]))
    assert answer._proven(over, verified(interval=[0.07, 0.9]))


def trial(verdict: str, gone: tuple[str, ...] = (), change: str = "lr", code: str | None = "a") -> Tried:
    """Return a candidate with one trial, in which the accuracy rose by 0.04 where 0.041 count."""
    tried = Tried(Candidate((Change(change, {}),), code))
    tried.trials = [SimpleNamespace(verdict=verdict, gone=list(gone), code=code)]
    tried.compared = [SimpleNamespace(name="validation accuracy", before=0.889, after=0.929, margin=0.041)]
    return tried


def test_a_gain_that_almost_counts_rules_nothing_out() -> None:
    """With its finding gone, nobody can tell; the figures are told."""
    close = trial("little-better", ("a",), "loss-function")
    over = session(screening=1, tried=[close])
    assert answer._answer(over, []) == "not-judged"
    said = answer._sentence(over, Verification(answer="not-judged", baseline=Baseline(state="broken", summary="")), EN)
    assert said == (
        "cannot tell yet: with loss-function, validation accuracy 0.929 against 0.889; clearly better from a gain of "
        "0.041 on; a is gone with it"
    )
    assert ruled_out([close], EN) == []


def test_a_gain_that_almost_counts_beside_its_finding_did_not_help() -> None:
    """What it was for is still there; yet it rules nothing out."""
    tried = trial("little-better")
    assert answer._answer(session(screening=1, tried=[tried]), []) == "none-helped"
    assert ruled_out([tried], EN) == []


@pytest.mark.parametrize(("gone", "ruled"), [(("a",), []), ((), ["the initial weights"])])
def test_only_a_change_whose_finding_stays_is_ruled_out(gone: tuple[str, ...], ruled: list[str]) -> None:
    """One that takes it away may be what is missing, whatever the metric says."""
    assert ruled_out([trial("no-better", gone, "init")], EN) == ruled


@pytest.mark.parametrize(
    ("said", "parts", "sentence"),
    [
        ("not-judged", {"baseline": None}, ("verify.no-steps", {"seconds": "0", "reason": "why"})),
        ("not-judged", {}, ("verify.cannot-tell", {"summary": "it is broken."})),
        ("not-judged", {"diagnosis": None}, ("verify.cannot-tell", {"summary": ""})),
        ("not-judged", {"screening": 1}, ("verify.no-room", {"seconds": "8", "budget": "1m"})),
        ("not-judged", {"screening": 1, "tried": [trial("not-judged")]}, ("verify.no-metric", {})),
        ("not-judged", {"screening": 1, "tried": [trial("unfinished")], "budget": SimpleNamespace(total=60)},
         ("verify.all-unfinished", {"count": 1, "budget": "2m"})),
        ("not-judged", {"screening": 1, "tried": [trial("unfinished"), trial("not-judged")]}, ("verify.no-metric", {})),
        ("nothing-to-cure", {}, ("verify.healthy", {})),
        ("nothing-to-cure", {"diagnosis": UNSURE}, ("verify.nothing-found", {"summary": "it learns little."})),
        ("nothing-to-cure", {"request": WANTED}, ("verify.no-such", {"code": "lr-too-low"})),
    ],
)  # fmt: skip
def test_every_answer_has_its_sentence(said: Any, parts: dict[str, Any], sentence: tuple[str, dict[str, Any]]) -> None:
    """With what it is about."""
    document = Verification(answer=said, baseline=Baseline(state="broken", summary="why"))
    key, values = sentence
    assert answer._sentence(session(**parts), document, EN) == EN(key, **values)


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", "  baseline: its budget ended it after 27 s, too early to judge it\n"),
        ("zh", "  基线：运行 27 秒后预算用完，还来不及判断\n"),
    ],
)
def test_a_run_that_its_budget_ended_was_not_killed_by_others(lang: str, told: str) -> None:
    """Whatever its log, which breaks off, looks like."""
    stream = StringIO()
    run: Any = SimpleNamespace(diagnosis=diagnosis(), outcome=SimpleNamespace(seconds=27.2, stopped="limit"))
    Printed(Words(lang), in_place=False, stream=stream).baseline(run)
    assert stream.getvalue() == told


def test_remedies_none_of_which_could_be_tried_rule_nothing_out() -> None:
    """The sentence says so, and what the script said of them is no answer to the question."""
    refused = [trial("refused"), trial("failed")]
    made = session(screening=1, tried=refused, by_hand=None)
    document: Any = SimpleNamespace(verified=[], answer="not-judged", ruled_out=[])
    assert answer._undecided(made, document, EN) == "none of 2 remedies could be tried"
