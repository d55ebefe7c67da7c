"""Clippings before and behind the step that uses the gradients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from recordkit import Records, record
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 5


def _loop(body: Callable[[nn.Module, torch.optim.Optimizer, int], object]) -> Records:
    def train() -> nn.Module:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(STEPS):
            F.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 2)).backward()
            body(model, optimizer, step)
        return model

    return record(train)


def _counts(records: Records) -> tuple[int, int]:
    return records.tally["clips_before_step"], records.tally["clips_after_step"]


def test_a_clipping_behind_the_step_is_late() -> None:
    """By norm and by value; the event names the line and the limit."""

    def late(model: nn.Module, optimizer: torch.optim.Optimizer, _: int) -> None:
        optimizer.step()
        clip_grad_norm_(model.parameters(), 0.5)
        clip_grad_value_(model.parameters(), 0.5)
        optimizer.zero_grad()

    records = _loop(late)
    assert _counts(records) == (0, 2 * STEPS)
    (told,) = records.events("late-clip")
    assert told["limit"] == 0.5
    assert told["site"]["code"] == "clip_grad_norm_(model.parameters(), 0.5)"


def test_a_clipping_in_its_place_is_not() -> None:
    """Also once a micro-batch of an accumulation; a limit of infinity only measures."""

    def right(model: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
        clip_grad_norm_(model.parameters(), 0.5)
        if step % 2:
            optimizer.step()
            optimizer.zero_grad()
            clip_grad_norm_([p for p in model.parameters() if p.grad is not None], math.inf)

    records = _loop(right)
    assert _counts(records) == (STEPS, 0)
    assert records.events("late-clip") == []


def test_a_clipping_between_the_steps_of_two_optimizers_is_in_its_place() -> None:
    """The second one uses what was clipped behind the step of the first."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
        first, second = (torch.optim.SGD(part.parameters(), lr=0.1) for part in model)
        for _ in range(STEPS):
            model.zero_grad()
            F.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 2)).backward()
            first.step()
            clip_grad_norm_(model[1].parameters(), 0.5)
            second.step()
        return model

    assert _counts(record(train)) == (STEPS, 0)
