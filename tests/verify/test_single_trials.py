"""Single steps of a verification: what became of a run, in which order runs count, and what fits a budget."""

from collections import deque
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from trainadvisor.errors import UsageError
from trainadvisor.trials import budget, child_process
from trainadvisor.trials.budget import Budget
from trainadvisor.trials.early_abort import BaselineTrajectory, EarlyAbort
from trainadvisor.trials.jobs import Change, Job
from trainadvisor.verify import candidates, effects, trial_runs
from trainadvisor.verify.plan import Candidate


def test_a_run_in_place_stays_where_it_is(tmp_path):
    """In its folder, with the folders that were copied before; nothing is copied now."""
    setting = child_process.Setting(tmp_path, tmp_path / "logs", in_place=True, moved=(("a", "b"),))
    placed = child_process._placed(Job("train.py", ("--x", "1"), module=False), setting, tmp_path / "root")
    assert placed == child_process.Placed(tmp_path, "train.py", ["--x", "1"], (("a", "b"),))
    assert list(tmp_path.iterdir()) == []


def test_a_trial_is_described_in_its_folder(tmp_path):
    """With a folder for its temporary files."""
    placed = child_process.Placed(tmp_path, "train.py", [], (("a", "b"),))
    spec = child_process._write_spec(Job("train.py", (), module=False), placed, tmp_path, tmp_path / "x.json")
    assert (spec, (tmp_path / "tmp").is_dir()) == (tmp_path / "spec.json", True)
    assert '"moved": [["a", "b"]]' in spec.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("2m", 120.0), ("1.5min", 90.0), ("1h", 3600.0), (" 7 ", 7.0), ("0.5", 0.5)]
)
def test_durations(text, seconds):
    """Seconds where no unit is named."""
    assert budget.seconds(text) == seconds


@pytest.mark.parametrize("text", ["0", "x", "-1", "1d", "", "1 s s"])
def test_what_is_no_duration(text):
    """Nothing, and what is not written so."""
    with pytest.raises(UsageError, match="not a duration"):
        budget.seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "10s"), (40, "40s"), (41, "50s"), (60, "60s"), (61, "2m"), (120, "2m"), (3600, "60m"), (3601, "2h")],
)
def test_durations_are_rounded_up(seconds, text):
    """To tens of seconds, minutes and hours."""
    assert budget.told_seconds(seconds) == text


def test_what_fits_into_a_budget(monkeypatch):
    """Three times as long as usual and a grace; runs side by side count once."""
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: 130.0))
    left = Budget(100.0, started=100.0)
    assert (left.spent, left.left, left.for_baseline) == (30.0, 70.0, 20.0)
    assert [left.limit(typical) for typical in (2.0, 21.0, 22.0, 1000.0)] == [11.0, 68.0, 70.0, 70.0]
    assert [left.fits(10.0, *counts) for counts in ((7,), (8,), (14, 2), (15, 2))] == [True, False, True, False]
    assert (left.fits(70.0), left.fits(70.5)) == (True, False)
    over = Budget(20.0, started=100.0)
    assert (over.left, over.limit(1.0)) == (0.0, 0.5)


def abort(losses, *, steps=100, first=2.0, rescaled=False, **events):
    """Return what is said of a run with these losses so far."""
    watched = EarlyAbort(Path("none"), BaselineTrajectory(steps, first), rescaled=rescaled)
    records = [{"record": "step", "loss": loss} for loss in losses]
    records += [{"record": "event", "kind": "change", "subject": name, "detail": told} for name, told in events.items()]
    watched._tail = SimpleNamespace(read=deque([records]).popleft)
    return watched.look()


@pytest.mark.parametrize(
    ("losses", "given", "said"),
    [
        ([1.0] * 25 + ["nan"] * 5, {}, "non-finite loss at step 29"),
        ([1.0] * 25 + ["nan"] * 4, {}, None),
        ([1.0] * 14 + ["nan"] * 5, {}, None),
        ([1.0] * 15 + ["inf"] * 5, {}, "non-finite loss at step 19"),
        ([1.0] * 25 + [6.5] * 5, {}, "loss 6.5 at step 29"),
        ([1.0] * 25 + [6.0] * 5, {}, None),
        ([1.0] * 24 + [6.5] * 5, {}, None),
        ([1.0] * 25 + [6.5] * 5, {"rescaled": True}, None),
        ([1.0] * 25 + [6.5] * 5, {"first": None}, "loss 6.5 at step 29"),
        ([-3.0] + [1.0] * 24 + [8.5] * 5, {}, None),
        ([-3.0] + [1.0] * 24 + [9.5] * 5, {}, "loss 9.5 at step 29"),
        (["nan"] + [1.0] * 24 + [6.5] * 5, {}, "loss 6.5 at step 29"),
        ([1.0] * 25 + ["nan", "nan", 6.5, 7.5, 8.5], {}, "loss 7.5 at step 29"),
        ([1.0] * 25 + [1.0, 1.0, 1.0, 9.5, 9.5], {}, None),
    ],
)
def test_a_run_without_hope(losses, given, said):
    """Five losses that are no numbers, or a level far above both first losses after a third of the steps."""
    assert abort(losses, **given) == (None if said is None else ("hopeless", said))


def test_a_refused_change_ends_a_run():
    """With its reason; one that was applied does not, nor one without a reason."""
    refused, fine = {"applied": False, "refused": "no place"}, {"applied": True}
    assert abort([], lr=refused, clip=fine, adam=refused) == ("refused", "lr: no place; adam: no place")
    assert abort([], lr={"applied": False}, clip=fine) is None
    without = EarlyAbort(Path("none"), None)
    without._tail = SimpleNamespace(read=lambda: [{"record": "step", "loss": "nan"}] * 40)
    assert without.look() is None


def ended(stopped=None, detail="", stderr="", code=0, *, reason="finished", changes=(), usable=True):
    """Return a run that ended so."""
    outcome = SimpleNamespace(stopped=stopped, detail=detail, stderr=stderr, code=code,
                              job=SimpleNamespace(changes=changes))  # fmt: skip
    return SimpleNamespace(outcome=outcome, log=SimpleNamespace(end={"reason": reason}, events=[]), usable=usable)


def applied(*, outcome, refused=None):
    """Return a change with what became of it."""
    return SimpleNamespace(change="lr", applied=outcome, refused=refused)


@pytest.mark.parametrize(
    ("run", "changes", "said"),
    [
        (ended(), [applied(outcome=True), applied(outcome=None)], None),
        (ended("refused", "why"), [], ("refused", "why")),
        (
            ended(),
            [applied(outcome=False), applied(outcome=False, refused="no place")],
            ("refused", "lr: did not take effect; lr: no place"),
        ),
        (ended("hopeless", "nan"), [], ("hopeless", "nan")),
        (ended("limit", "40 s"), [], ("unfinished", "limit 40 s")),
        (ended("canceled"), [], ("unfinished", "canceled")),
        (ended("lost"), [], ("unfinished", "lost")),
        (ended(usable=False, code=3), [], ("failed", "exit code 3")),
        (ended(reason="exception", stderr="a\nValueError: b \n\n"), [], ("failed", "ValueError: b")),
        (ended(usable=False, stderr="x" * 400), [], ("failed", "x" * 300)),
    ],
)
def test_why_a_run_is_not_compared(run, changes, said):
    """It was refused, hopeless, without an end, or failed."""
    assert trial_runs._failure(run, changes) == said


def test_each_change_has_an_event_of_its_own():
    """The same change twice is told by two events, in their order; one without an event is not known."""
    run = ended(changes=(Change("lr", {"value": 1}), Change("lr", {"value": 2}), Change("clip")))
    run.log.events = [
        {"kind": "other", "subject": "lr", "detail": {"applied": False}},
        {"kind": "change", "subject": "lr", "detail": {"applied": True, "what": "a"}},
        {"kind": "change", "subject": "lr", "detail": {"applied": False, "refused": "b"}},
    ]
    told = [(c.change, c.arguments, c.applied, c.what, c.refused) for c in trial_runs.changes_of(run)]
    assert told == [
        ("lr", {"value": 1}, True, "a", None), ("lr", {"value": 2}, False, None, "b"), ("clip", {}, None, None, None),
    ]  # fmt: skip


def log(loss=(1.0, 2.0), norms=(1.0, np.nan), told=()):
    """Return a log with these columns and evaluations."""
    columns = {"loss": np.array(loss), "grad_norm": np.array(norms)}
    return SimpleNamespace(column=columns.__getitem__, evaluations=list(told), steps=np.arange(len(loss)))


def evaluation(loss, **metrics):
    """Return an evaluation."""
    return {"step": 1, "loss": loss, "metrics": metrics}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (log(), log(), True), (log(loss=(1.0, 2.5)), log(), False), (log(norms=(1.0, 2.0)), log(), False),
        (log(loss=(1.0, np.nan)), log(loss=(1.0, np.nan)), True), (log(told=[evaluation(1.0)]), log(), False),
        (log(told=[evaluation(1.0, a=2)]), log(told=[evaluation(1.0, a=2)]), True),
        (log(told=[evaluation(1.0, a=2)]), log(told=[evaluation(1.0, a=3)]), False), (None, log(), False), (log(),
        None, False),
    ],
)  # fmt: skip
def test_two_runs_are_the_same_to_the_last_bit(one, other, same):
    """In losses, gradients and evaluations, and in their number of steps."""
    runs = [SimpleNamespace(log=each, steps=2) for each in (one, other)]
    assert trial_runs.unchanged(*runs) is same
    runs[0].steps = 3
    assert trial_runs.unchanged(*runs) is False


def test_a_curve_of_medians():
    """Of as many stretches as there are points, each at its last step, without what is no number."""
    given = log(loss=(1.0, np.nan, 3.0, 4.0, 8.0, 1 / 3), norms=(1.0,) * 6)
    assert trial_runs.curve(given, 2) == [[2.0, 2.0], [5.0, 4.0]]
    assert trial_runs.curve(given) == [[0.0, 1.0], [2.0, 3.0], [3.0, 4.0], [4.0, 8.0], [5.0, 0.3333]]
    assert trial_runs.curve(None) == []
    assert trial_runs.curve(log(loss=(), norms=())) == []


def tried(name, *, gain, cured=True, changes=1, place=0, better=True):
    """Return a candidate that improved a run so much."""
    candidate = SimpleNamespace(changes=(None,) * changes)
    return SimpleNamespace(name=name, gain=gain, cured=cured, candidate=candidate, place=place, better=better)


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([tried("a", gain=1.0), tried("b", gain=2.0)], "ba"), ([tried("a", gain=1.6),
        tried("b", gain=2.0, place=1)], "ab"),
        ([tried("a", gain=1.59), tried("b", gain=2.0, place=1)], "ba"),
        ([tried("a", gain=2.0, cured=False), tried("b", gain=1.0)], "ba"),
        ([tried("a", gain=2.0, changes=2), tried("b", gain=1.9, place=1)], "ba"),
        ([tried("a", gain=2.0, place=1), tried("b", gain=2.0)], "ba"), ([tried("a", gain=2.0, better=False)], ""),
    ],
)  # fmt: skip
def test_the_best_candidate_comes_first(given, order):
    """By cures, gains that are much smaller, fewer changes, and the order of trying."""
    assert "".join(one.name for one in trial_runs.ranked(given)) == order


@pytest.mark.parametrize(
    ("one", "other", "lr", "same"),
    [
        (Change("lr", {"value": 0.1}), Change("lr", {"value": 0.159}), None, True),
        (Change("lr", {"value": 1.0}), Change("lr", {"value": 1.6}), None, False),
        (Change("lr", {"value": 1.6}), Change("lr", {"value": 1.0}), None, False),
        (Change("lr", {"value": 0.01}), Change("lr", {"factor": 0.1}), 0.1, True),
        (Change("lr", {"value": 0.01}), Change("lr", {"factor": 0.1}), None, False),
        (Change("lr", {"factor": 0.1}), Change("lr", {"factor": 0.1}), None, True),
        (Change("lr", {"factor": 0.1}), Change("lr", {"factor": 0.12}), None, False),
        (Change("clip", {"max_norm": 1.0}), Change("clip", {"max_norm": 1.1}), None, False),
        (Change("clip"), Change("lr"), None, False),
    ],
)
def test_changes_that_are_one_experiment(one, other, lr, same):
    """Equal ones, and learning rates within a factor of 1.6."""
    run = {} if lr is None else {"lr": lr}
    assert effects.same(Candidate((one,)), Candidate((other,)), run) is same


@pytest.mark.parametrize(
    ("now", "wanted", "made"),
    [
        (Change("lr", {"value": 0.1}), Change("lr", {"factor": 0.5}), {"value": 0.05}),
        (Change("lr", {}), Change("lr", {"factor": 0.5}), {"factor": 0.5}),
        (Change("lr", {"factor": 0.1}), Change("lr", {"value": 0.5}), {"value": 0.5}),
    ],
)
def test_a_value_is_refined(now, wanted, made):
    """A factor moves the value that was tried; a value replaces it."""
    assert candidates._next(now, wanted) == Change("lr", made)
