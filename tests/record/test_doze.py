"""Steps that pass unrecorded: counted exactly, and only where nothing else happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records
from torch import nn

from trainadvisor.record import sampling, step_skipping
from trainadvisor.record.recorder import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 200


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Let a run be a long one from its 60th step on."""
    monkeypatch.setattr(step_skipping, "FIRST_STEP", 60)
    monkeypatch.setattr(step_skipping, "FIRST_SECONDS", 0.0)
    return Records()


def _run(
    records: Records | None,
    more: Callable[[int, nn.Module, torch.optim.Optimizer], None] = lambda *_: None,
    *,
    clear_first: bool = True,
    overhead: float = 0.001,
) -> list[torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
    recorder = Recorder([] if records is None else [records.append], discover=True, overhead=overhead)
    if records is not None:
        recorder.start()
    for step in range(STEPS):
        data = torch.randn(8, 4)
        if clear_first:
            optimizer.zero_grad()
        F.cross_entropy(model(data), data[:, :3].argmax(1)).backward()
        optimizer.step()
        if not clear_first:
            optimizer.zero_grad()
        more(step, model, optimizer)
    if records is not None:
        recorder.stop("finished")
        assert records.failures == []
    return [p.detach().clone() for p in model.parameters()]


def _evaluate(step: int, model: nn.Module, _: torch.optim.Optimizer) -> None:
    if step % 40 == 13:
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(torch.ones(8, 4)), torch.zeros(8, dtype=torch.long))
        model.train()


@pytest.mark.parametrize("clear_first", [True, False])
def test_the_steps_that_pass_are_counted(records: Records, *, clear_first: bool) -> None:
    """Forwards, backwards, steps and cleared gradients as they were; the weights are those without a recorder."""
    weights = _run(records, clear_first=clear_first)
    seen = records.column("step")
    assert seen[:60] == list(range(60))
    assert len(seen) < 150
    assert seen == sorted(set(seen))
    counts = {name: records.tally[name] for name in ("forward", "train_forward", "backward", "step", "zero_grad")}
    assert set(counts.values()) == {STEPS}
    assert (records.tally["stale_steps"], records.of("end")[0]["steps"]) == (0, STEPS)
    assert records.events("overhead")[-1]["skipped"] == STEPS - len(seen)
    assert all(torch.equal(one, other) for one, other in zip(weights, _run(None, clear_first=clear_first), strict=True))


def test_evaluations_between_them_are_seen(records: Records) -> None:
    """All five, after the steps that had been taken then."""
    _run(records, _evaluate)
    assert [record["step"] for record in records.of("eval")] == [14, 54, 94, 134, 174]
    assert records.tally["forward"] == STEPS + 5
    assert records.tally["train_forward"] == records.tally["step"] == STEPS
    assert len(records.of("step")) < STEPS


def test_a_run_within_its_budget_is_recorded_whole(records: Records) -> None:
    """Every step has its record."""
    _run(records, overhead=0.99)
    assert records.column("step") == list(range(STEPS))


def test_by_default_every_step_is_recorded(records: Records) -> None:
    """Though scalars alone cost more than one percent of steps as short as these."""
    _run(records, overhead=sampling.DEFAULT_SHARE)
    assert records.column("step") == list(range(STEPS))


def test_a_loop_that_does_more_is_recorded_whole(records: Records) -> None:
    """After a few attempts that its scheduler disturbs, at no loss of a step."""
    schedulers: list[torch.optim.lr_scheduler.LRScheduler] = []

    def schedule(_: int, __: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        schedulers[:] = schedulers or [torch.optim.lr_scheduler.StepLR(optimizer, 1000)]
        schedulers[0].step()

    _run(records, schedule)
    assert records.column("step") == list(range(STEPS))
    assert records.tally["scheduler_steps"] == {"0": STEPS}
    assert records.tally["scheduler_before_optimizer"] == 0
    assert all(isinstance(loss, float) for loss in records.column("loss"))


def test_a_run_that_is_short_by_the_clock_is_recorded_whole(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps it has."""
    monkeypatch.setattr(step_skipping, "FIRST_SECONDS", 1e9)
    _run(records)
    assert records.column("step") == list(range(STEPS))


def test_a_run_of_few_steps_is_recorded_whole(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long they take."""
    monkeypatch.setattr(step_skipping, "FIRST_STEP", STEPS)
    _run(records)
    assert records.column("step") == list(range(STEPS))
