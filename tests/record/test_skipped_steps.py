"""Steps that are left out where they cost more than their share: only plain ones, and all are counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from randomloops import comparable, recorded, unrecorded
from recordkit import Records, make_recorder

from trainadvisor.record.shortcuts import clock, left_out_count
from trainadvisor.record.shortcuts.left_out_count import left_out

STEPS = 210


def _many_from(step: int) -> Any:
    return lambda plan: 3 if plan.number >= step else 0


@pytest.mark.parametrize(("seed", "way"), [(seed, ("run", "watch")[seed % 2]) for seed in range(300, 308)])
def test_nothing_but_the_records_of_plain_steps_is_missing(
    seed: int, way: str, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other record is that of a whole recording, and the weights are those of a training that nobody records."""
    _, whole = recorded(seed, watch=way == "watch", steps=STEPS)
    monkeypatch.setattr(clock, "left_out", _many_from(20))
    del plain[:]
    weights, records = recorded(seed, watch=way == "watch", steps=STEPS)
    assert not records.failures
    taken = set(records.column("step"))
    assert comparable(records) == [r for r in comparable(whole) if r["record"] != "step" or r["step"] in taken]
    assert records.events("overhead")[-1]["skipped"] == len(whole.column("step")) - len(taken)
    assert all(map(torch.equal, weights, unrecorded(seed, STEPS))) or any(w.isnan().any() for w in weights)


def _plan(number: int, own: float, passed: float = 0.0, *, budget: float = 0.01, processes: int = 1) -> Any:
    return SimpleNamespace(
        number=number, own=[own, passed], seconds=1.0,
        recorder=SimpleNamespace(processes=processes),
        cost=SimpleNamespace(budget=SimpleNamespace(share=budget)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "passed", "many"),
    [
        (0.005, 0.0, 0), (0.01, 0.0, 0), (0.011, 0.0, 1), (0.03, 0.0, 2), (0.2, 0.0, left_out_count.MOST),
        (0.03, 0.005, 4), (0.03, 0.01, left_out_count.MOST), (0.03, 0.02, left_out_count.MOST), (0.01, 0.02, 0),
    ],
)  # fmt: skip
def test_so_many_are_left_out_that_all_cost_their_share(own: float, passed: float, many: int) -> None:
    """By what a recorded step and one that is left out cost, as parts of its time; seven in a row at most."""
    assert left_out(_plan(1500, own, passed)) == many


@pytest.mark.parametrize(
    ("step", "most"), [(1999, 7), (2000, 8), (5000, 20), (7749, 30), (7750, 31), (8000, 31), (10**6, 31)]
)
def test_more_are_left_out_in_a_row_the_longer_a_run_is(step: int, most: int) -> None:
    """Up to 31, but never more than the budget asks for."""
    assert left_out(_plan(step, 0.5)) == left_out(_plan(step, 0.2, 0.02)) == most
    assert left_out(_plan(step, 0.03)) == 2


def test_a_larger_budget_leaves_fewer_out() -> None:
    """Three percent of the time for steps that cost three."""
    assert left_out(_plan(5000, 0.03, budget=0.03)) == 0


def test_the_first_thousand_steps_are_recorded_whole() -> None:
    """Whatever they cost."""
    assert (left_out(_plan(999, 0.2)), left_out(_plan(1000, 0.2))) == (0, 7)


def test_all_processes_of_a_training_record_the_same_steps() -> None:
    """None is left out."""
    assert left_out(_plan(5000, 0.2, processes=2)) == 0


def test_the_training_feels_twice_what_the_clock_sees() -> None:
    """Of a step that was held up, no more than three times the usual counts."""
    plan = SimpleNamespace(own=[0.0, 0.0], book=lambda: None)
    measured = clock.Clock(plan, None, 1)
    seen = []
    for seconds in (0.002, 0.004, 1.0):
        measured.end(seconds)
        seen.append(plan.own[1])
    assert (plan.own[0], *seen) == pytest.approx((0.0, 0.004, 0.005, 0.0075))


def test_the_step_at_which_a_plan_is_left_costs_as_much_as_others(plain: list[int]) -> None:
    """It is booked with those that the plan has closed."""
    model = torch.nn.Linear(6, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    records = Records()
    recorder = make_recorder(records, every=60)
    recorder.start()
    plan, cost = recorder.plan, recorder.cost
    while not (plan.active and plan.unbooked[0]):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.ones(4, 6)), torch.zeros(4, dtype=torch.long)).backward()
        optimizer.step()
    (recorded, _), (own, _), before = plan.unbooked, plan.own, cost.spent
    plan.leave(force=True)
    assert own > 0
    assert cost.spent - before == pytest.approx((recorded + 1) * own)
    recorder.stop("finished")
    assert not records.failures
