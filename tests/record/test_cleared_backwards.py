"""Gradients that are cleared between the backward passes of one step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F

PARTS, STEPS = 4, 6
Clear = Callable[[torch.optim.Optimizer, int], object]


def _every_part(optimizer: torch.optim.Optimizer, _: int) -> None:
    optimizer.zero_grad()


def _first_part(optimizer: torch.optim.Optimizer, part: int) -> None:
    if part == 0:
        optimizer.zero_grad()


@pytest.mark.parametrize(("clear", "cleared"), [(_every_part, STEPS * (PARTS - 1)), (_first_part, 0)])
def test_passes_are_counted_whose_gradients_the_next_one_does_not_find(clear: Clear, cleared: int) -> None:
    """Of four passes a step three are lost where each is cleared, none where the step is."""

    def train() -> nn.Module:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(STEPS):
            for part in range(PARTS):
                loss = F.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 2)) / PARTS
                clear(optimizer, part)
                loss.backward()
            optimizer.step()
        return model

    tally = record(train).tally
    assert (tally["backward"], tally["cleared_backwards"]) == (PARTS * STEPS, cleared)
