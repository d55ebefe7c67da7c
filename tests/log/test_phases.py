"""Phases of a training and short trainings, by which optimizers stepped when."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.log import short_trainings
from trainadvisor.log.columns import StepColumns
from trainadvisor.log.training_phases import TrainingPhase, main_phase, phases_of


def columns(*used: int | tuple[int, ...]) -> StepColumns:
    """Return steps, each with the optimizers that stepped, numbered from 10 on."""
    made = StepColumns(0.0)
    made.add([
        {"step": 10 + n, "opt": list(each) if isinstance(each, tuple) else [each]} for n, each in enumerate(used)
    ])  # fmt: skip
    return made


def optimizer(number: int, *parameters: int, line: int = 1) -> dict[str, Any]:
    """Return an optimizer that was made at a line."""
    site = {"file": "a.py", "line": line}
    return {"id": number, "class": "SGD", "site": site, "groups": [{"parameters": list(parameters)}]}


ANEW = [optimizer(0, 1), optimizer(1, 1)]


@pytest.mark.parametrize(
    ("used", "optimizers", "phases"),
    [
        ((0, 0, 0), (), [(0, 3, 10, 12, (0,))]), ((0, 0, 1, 1, 1), (), [(0, 2, 10, 11, (0,)), (2, 5, 12, 14, (1,))]),
        ((0, 1, 0, 1), (), [(0, 4, 10, 13, (0, 1))]), (((0, 1), (0, 1)), (), [(0, 2, 10, 11, (0, 1))]),
        ((0, 0, 1, 1), ANEW, [(0, 4, 10, 13, (0, 1))]),
        ((0, 0, 1, 1), [optimizer(0, 1), optimizer(1, 1, line=2)], [(0, 2, 10, 11, (0,)), (2, 4, 12, 13, (1,))]),
        ((0, 0, 1, 1), [optimizer(0, 1), optimizer(1, 2)], [(0, 2, 10, 11, (0,)), (2, 4, 12, 13, (1,))]),
        ((0, 0, 1, 1), [optimizer(0), optimizer(1)], [(0, 2, 10, 11, (0,)), (2, 4, 12, 13, (1,))]),
        ((0, 2, 1), [*ANEW, optimizer(2, 5)], [(0, 3, 10, 12, (0, 1, 2))]), ((), (), [(0, 0, 0, -1, ())]),
        ((0, 1, 1, 2), (), [(0, 1, 10, 10, (0,)), (1, 3, 11, 12, (1,)), (3, 4, 13, 13, (2,))]),
    ],
)  # fmt: skip
def test_phases_cover_every_step(used: tuple[Any, ...], optimizers: Any, phases: list[tuple[Any, ...]]) -> None:
    """Optimizers that step in turn are one; one that is made anew at the same line goes on."""
    found = phases_of(columns(*used), optimizers)
    assert [(p.start, p.stop, p.first, p.last, tuple(sorted(p.optimizers))) for p in found] == phases
    assert [(p.opening, p.closing) for p in found] == [
        (n == 0, n == len(phases) - 1) for n in range(len(phases))
    ]  # fmt: skip


def phase(start: int, stop: int, **more: bool) -> TrainingPhase:
    """Return a phase of some steps."""
    return TrainingPhase(start, stop, start, stop - 1, (0,), **more)


@pytest.mark.parametrize(
    ("lengths", "chosen"),
    [((70, 30), 1), ((75, 25), 1), ((76, 24), 0), ((10, 80, 10), 1), ((30, 40, 30), 2), ((1,), 0)],
)
def test_the_main_phase_is_the_last_with_a_fair_share(lengths: tuple[int, ...], chosen: int) -> None:
    """A quarter of the steps, else the longest."""
    made = [phase(sum(lengths[:n]), sum(lengths[: n + 1])) for n in range(len(lengths))]
    assert main_phase(made) is made[chosen]


def test_without_a_fair_share_the_longest_phase_is_the_main_one() -> None:
    """Of many short ones."""
    made = [phase(0, 20), phase(20, 42), phase(42, 60), phase(60, 80), phase(80, 100)]
    assert main_phase(made) is made[1]


@pytest.mark.parametrize(
    ("step", "more", "covered"),
    [
        (10, {}, False), (11, {}, True), (20, {}, True), (21, {}, False), (10, {"opening": True}, True),
        (0, {"opening": True}, True),
        (21, {"closing": True}, True), (10, {"closing": True}, False), (21, {"opening": True}, False),
    ],
)  # fmt: skip
def test_evaluations_of_a_phase(step: int, more: dict[str, bool], *, covered: bool) -> None:
    """After its first step and up to its last; before the first phase and behind the last they are theirs."""
    assert phase(10, 20, **more).covers_eval(step) is covered


def trainings(turns: dict[tuple[int, ...], int], optimizers: list[dict[str, Any]], *events: int) -> Any:
    """Return a log with these turns of optimizers."""
    told = [{"kind": "overhead", "detail": {"trainings_left_out": number}} for number in events]
    return SimpleNamespace(turns=turns, optimizers=optimizers, events=[*told, {"kind": "other", "detail": {}}])


OWN = [optimizer(n, n) for n in range(8)]


@pytest.mark.parametrize(
    ("turns", "optimizers", "found"),
    [
        ({(n,): 10 for n in range(5)}, OWN[:5], (5, 10)), ({(n,): 10 for n in range(4)}, OWN[:4], None),
        ({(n,): 10 + n for n in range(6)}, OWN[:6], (6, 12)), ({(n,): 100 for n in range(5)}, OWN[:5], (5, 100)),
        ({**{(n,): 100 for n in range(4)}, (4,): 101}, OWN[:5], None),
        ({**{(n,): 10 for n in range(5)}, (5,): 500}, OWN[:6], None),
        ({**{(n,): 100 for n in range(5)}, (5,): 499}, OWN[:6], (5, 100)),
        ({**{(n,): 100 for n in range(5)}, (5,): 500}, OWN[:6], None),
        ({(n,): 10 for n in range(5)}, [*OWN[:4], optimizer(4, 0)], None),
        ({(n,): 10 for n in range(5)}, OWN[:7], (7, 10)),
        ({(n,): 10 for n in range(5)}, [*OWN[:4], optimizer(4)], None),
        ({**{(n,): 10 for n in range(5)}, (): 51}, OWN[:5], None),
        ({**{(n,): 10 for n in range(5)}, (): 49}, OWN[:5], (5, 10)),
    ],
)  # fmt: skip
def test_many_short_trainings(turns: dict[tuple[int, ...], int], optimizers: list[Any], found: Any) -> None:
    """Five with parameters of their own, of a hundred steps at most, that make up most of the run."""
    told = short_trainings.many_short(trainings(turns, optimizers))
    assert (None if told is None else (told.count, told.steps)) == found


def test_trainings_that_were_left_out_are_counted() -> None:
    """As many as were told last."""
    turns = {(n,): 10 for n in range(5)}
    found = short_trainings.many_short(trainings(turns, OWN[:5], 3, 7, 0))
    assert found is not None
    assert found.count == 12
