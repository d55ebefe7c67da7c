"""Losses that have no way back to the weights: leaves, and what is made of leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 6


def _graphless(cut: Callable[[torch.Tensor, nn.Module], torch.Tensor]) -> int:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    for _ in range(STEPS):
        loss = F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,)))
        optimizer.zero_grad()
        cut(loss, model).backward()
        optimizer.step()
    recorder.stop("finished")
    return int(records.tally["graphless_backwards"])


def test_a_loss_that_was_made_anew_is_one_at_every_step() -> None:
    """A leaf shows it at once."""
    assert _graphless(lambda loss, _: torch.tensor(loss.item(), requires_grad=True)) == STEPS


def test_so_is_what_is_computed_from_losses_made_anew() -> None:
    """From the second step on: the first optimizer step without a gradient has to be seen before the graph is."""
    weights = torch.tensor([0.5, 2.0])
    found = _graphless(lambda loss, _: (torch.tensor([loss.item()] * 2, requires_grad=True) * weights).sum())
    assert found == STEPS - 1


@pytest.mark.parametrize("part", ["whole", "beside"])
def test_a_loss_that_leads_to_the_weights_is_none(part: str) -> None:
    """Whatever else it is made of."""
    alone = torch.zeros(1, requires_grad=True)
    assert _graphless(lambda loss, _: loss if part == "whole" else loss + alone.sum()) == 0


def test_weights_without_gradient_for_another_reason_are_none() -> None:
    """The gradients are cleared before the step; the way is there."""

    def clear(loss: torch.Tensor, model: nn.Module) -> torch.Tensor:
        for parameter in model.parameters():
            parameter.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
        return loss

    assert _graphless(clear) == 0
