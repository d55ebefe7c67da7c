"""Steps that are left out where they cost more than their share: only plain ones, and all are counted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from randomloops import Loop, comparable, recorded

from trainadvisor.record.shortcuts import clock, left_out_steps
from trainadvisor.record.shortcuts.left_out_steps import left_out

STEPS = 210


def _many_from(step: int) -> Any:
    return lambda plan: 3 if plan.number >= step else 0


@pytest.mark.parametrize("way", ["run", "watch"])
@pytest.mark.parametrize("seed", range(300, 312))
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
    bare = Loop(seed).run(STEPS)
    assert all(map(torch.equal, weights, bare)) or any(w.isnan().any() for w in weights)


def _plan(number: int, own: float, passed: float = 0.0, *, budget: float = 0.01, processes: int = 1) -> Any:
    return SimpleNamespace(
        number=number, own=[own, passed], seconds=1.0,
        recorder=SimpleNamespace(processes=processes),
        cost=SimpleNamespace(budget=SimpleNamespace(share=budget)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("own", "passed", "many"),
    [
        (0.005, 0.0, 0), (0.01, 0.0, 0), (0.011, 0.0, 1), (0.03, 0.0, 2), (0.2, 0.0, left_out_steps.MOST),
        (0.03, 0.005, 4), (0.03, 0.01, left_out_steps.MOST), (0.03, 0.02, left_out_steps.MOST), (0.01, 0.02, 0),
    ],
)  # fmt: skip
def test_so_many_are_left_out_that_all_cost_their_share(own: float, passed: float, many: int) -> None:
    """By what a recorded step and one that is left out cost, as parts of its time; seven in a row at most."""
    assert left_out(_plan(5000, own, passed)) == many


def test_a_larger_budget_leaves_fewer_out() -> None:
    """Three percent of the time for steps that cost three."""
    assert left_out(_plan(5000, 0.03, budget=0.03)) == 0


def test_the_first_thousand_steps_are_recorded_whole() -> None:
    """Whatever they cost."""
    assert (left_out(_plan(999, 0.2)), left_out(_plan(1000, 0.2))) == (0, 7)


def test_all_processes_of_a_training_record_the_same_steps() -> None:
    """None is left out."""
    assert left_out(_plan(5000, 0.2, processes=2)) == 0
