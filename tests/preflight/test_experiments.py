"""The experiments, applied to small trainings in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from recordkit import Records, make_recorder
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor.changes.applying.change_session import ChangeSession
from trainadvisor.changes.catalogue import chosen

if TYPE_CHECKING:
    from collections.abc import Callable


def changed(train: Callable[[], object], *changes: dict[str, object]) -> tuple[Records, object]:
    """Run a training under the recorder with changes; return its records and what it returns."""
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    session = ChangeSession(recorder)
    session.apply(chosen(list(changes)))
    try:
        kept = train()
    finally:
        session.close()
        recorder.stop("finished")
    assert not records.failures
    return records, kept


ONE_BATCH: dict[str, object] = {"change": "one-batch"}
RANGE: dict[str, object] = {"change": "lr-range", "arguments": {"lowest": 1e-4, "highest": 1.0, "steps": 5}}


class Loop:
    """A training of two epochs that keeps what its model and its loss were given, and its rates between the steps."""

    def __init__(self, *, loader: bool = True, loss: Callable[..., torch.Tensor] = nn.functional.mse_loss) -> None:
        torch.manual_seed(0)
        self.x, self.y = torch.randn(12, 3), torch.randn(12, 1)
        self.batches = DataLoader(TensorDataset(self.x, self.y), batch_size=4, shuffle=True)
        self.model, self.loss, self.loader = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)), loss, loader
        parts = [{"params": self.model[0].parameters(), "lr": 0.01}, {"params": self.model[2].parameters(), "lr": 0.05}]
        self.optimizer = torch.optim.SGD(parts)
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=0.5)
        self.seen: list[torch.Tensor] = []
        self.between: list[float] = []

    def train(self) -> None:
        """Run two epochs."""
        self.model[0].register_forward_pre_hook(lambda _, args: self.seen.append(args[0].clone()))
        for _ in range(2):
            chunks = self.batches if self.loader else zip(self.x.split(4), self.y.split(4), strict=True)
            for x, y in chunks:
                self.optimizer.zero_grad()
                self.loss(self.model(x), y).backward()
                self.optimizer.step()
                self.schedule.step()
                self.between.append(self.optimizer.param_groups[1]["lr"])


def run(*changes: dict[str, object], **options: object) -> tuple[Records, Loop]:
    """Make and run a training with changes."""

    def train() -> Loop:
        loop = Loop(**options)  # type: ignore[arg-type]
        loop.train()
        return loop

    records, loop = changed(train, *changes)
    assert isinstance(loop, Loop)
    return records, loop


def own_loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return a loss that is none of torch's."""
    return ((prediction - target) ** 2).mean()


@pytest.mark.parametrize("loader", [True, False])
def test_every_step_gets_the_first_batch(loader: bool) -> None:  # noqa: FBT001
    """By the loader, or else by the inputs of the first step; without the experiment the batches differ."""
    records, loop = run(ONE_BATCH, loader=loader)
    _, free = run(loader=loader)
    assert all(torch.equal(batch, loop.seen[0]) for batch in loop.seen)
    assert not any(torch.equal(batch, free.seen[0]) for batch in free.seen[1:3])
    assert [event["applied"] for event in records.events("change")] == [True]


def test_without_a_loader_the_targets_are_held_too() -> None:
    """The loss of each step is that of the same pairs: computed by hand from the weights it only falls."""
    losses = run(ONE_BATCH, loader=False)[0].column("loss")
    assert losses[0] == pytest.approx(_loss_at_start(), rel=1e-5)
    assert losses == sorted(losses, reverse=True)


def _loss_at_start() -> float:
    fresh = Loop()
    return own_loss(fresh.model(fresh.x[:4]), fresh.y[:4]).item()


def test_without_a_loader_a_loss_of_ones_own_is_refused() -> None:
    """Its targets cannot be held, and inputs alone would make a training of wrong pairs."""
    (event,) = run(ONE_BATCH, loader=False, loss=own_loss)[0].events("change")
    assert (event["applied"], event["refused"]) == (
        False, "no DataLoader feeds it, and no loss function of torch is given its targets",
    )  # fmt: skip


def test_a_batch_changed_in_place_comes_whole_again() -> None:
    """Each step gets a copy of its own."""

    def spoiling(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        value = nn.functional.mse_loss(prediction, target.clone())
        target.zero_()
        return value

    losses, whole = (run(ONE_BATCH, **options)[0].column("loss") for options in ({"loss": spoiling}, {}))
    assert losses == pytest.approx(whole)


def test_the_rate_rises_geometrically_and_keeps_proportions() -> None:
    """The largest group has the rate of the range, the other keeps its fifth; the rates stay at the end."""
    records, _ = run(RANGE)
    expected = [*np.geomspace(1e-4, 1.0, 5), 1.0]
    assert [rates[1] for rates in records.column("lr")] == pytest.approx(expected)
    assert [rates[0] for rates in records.column("lr")] == pytest.approx([rate / 5 for rate in expected])


def test_the_schedule_of_the_script_goes_on() -> None:
    """Between the steps the rates are those that the script would have without the experiment."""
    assert run(RANGE)[1].between == run()[1].between


def test_the_rate_of_a_script_that_does_not_train_by_groups_is_refused() -> None:
    """An optimizer whose groups have no rate cannot be swept."""

    class Plain(torch.optim.Optimizer):
        def __init__(self, parameters: object) -> None:
            super().__init__(parameters, {})  # type: ignore[arg-type]

        def step(self, closure: object = None) -> None:  # type: ignore[override]
            """Do nothing."""

    def train() -> None:
        model = nn.Linear(2, 1)
        optimizer = Plain(model.parameters())
        for _ in range(3):
            nn.functional.mse_loss(model(torch.ones(4, 2)), torch.ones(4, 1)).backward()
            optimizer.step()

    (event,) = changed(train, RANGE)[0].events("change")
    assert event["refused"] == "a parameter group of the optimizer has no learning rate"
