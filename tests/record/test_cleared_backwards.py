"""Gradients of a batch that are cleared before those of the next one are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor.record.probes.call_order import CallOrderProbe

PARTS, STEPS = 4, 6
Clear = Callable[[torch.optim.Optimizer, int], object]


def _every_part(optimizer: torch.optim.Optimizer, _: int) -> None:
    optimizer.zero_grad()


def _first_part(optimizer: torch.optim.Optimizer, part: int) -> None:
    if part == 0:
        optimizer.zero_grad()


def _batches() -> Iterator[list[torch.Tensor]]:
    return iter(DataLoader(TensorDataset(torch.randn(8 * PARTS * STEPS, 4), torch.randn(8 * PARTS * STEPS, 2)), 8))


def _once(batches: Iterator[list[torch.Tensor]]) -> Iterator[list[torch.Tensor]]:
    """Yield each batch for all parts of a step."""
    for batch in list(batches)[:STEPS]:
        yield from [batch] * PARTS


@pytest.mark.parametrize(
    ("clear", "same", "cleared"),
    [(_every_part, False, STEPS * (PARTS - 1)), (_first_part, False, 0), (_every_part, True, 0)],
)
def test_passes_are_counted_whose_gradients_are_lost(clear: Clear, *, same: bool, cleared: int) -> None:
    """Of four passes a step three are lost where each is cleared; none where the step is, or with one batch."""

    def train() -> nn.Module:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        batches = _once(_batches()) if same else _batches()
        for _ in range(STEPS):
            for part in range(PARTS):
                inputs, targets = next(batches)
                loss = F.mse_loss(model(inputs), targets) / PARTS
                clear(optimizer, part)
                loss.backward()
            optimizer.step()
        return model

    tally = record(train).tally
    assert (tally["backward"], tally["cleared_backwards"]) == (PARTS * STEPS, cleared)


def test_the_loss_of_a_step_is_that_of_the_gradients_that_it_uses() -> None:
    """Gradients that are measured and cleared before a step leave no loss in it."""

    def train() -> nn.Module:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(STEPS):
            for target in (100.0, 200.0, 0.0):
                model.zero_grad()
                (model(torch.ones(8, 4)) * 0 + target).mean().backward()
            optimizer.step()
        return model

    assert record(train).column("loss") == [0.0] * STEPS


def test_the_gradients_of_a_step_are_left_until_they_are_cleared() -> None:
    """Where no hook has shown the step, too."""
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    counted: list[str] = []
    probe: Any = SimpleNamespace(
        _counts=SimpleNamespace(add=counted.append), _closure=False, _left={}, _follow=lambda _: None,
        _context=SimpleNamespace(step=SimpleNamespace(fields={})),
    )  # fmt: skip
    for method in (CallOrderProbe.on_step_ends, CallOrderProbe.on_implicit_step):
        probe._left.clear()
        method(probe, optimizer)
        assert probe._left == {id(optimizer): True}
    assert counted == ["step", "step"]
