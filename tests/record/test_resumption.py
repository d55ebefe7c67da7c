"""Checkpoints that a training goes on from."""

from __future__ import annotations

import io
from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F


def _file(*, with_optimizer: bool = True) -> io.BytesIO:
    """A checkpoint of two steps with Adam, whose loss was 0.25."""
    model = nn.Linear(4, 3)
    optimizer = torch.optim.Adam(model.parameters())
    _train(model, optimizer, 2)
    content: dict[str, Any] = {"model": model.state_dict(), "loss": 0.25}
    if with_optimizer:
        content["optimizer"] = optimizer.state_dict()
    file = io.BytesIO()
    torch.save(content, file)
    file.seek(0)
    return file


def _train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
        optimizer.step()


def _events(file: io.BytesIO, *, after: int, restored: bool) -> list[tuple[int, dict[str, Any]]]:
    """Return the events of a training that loads a file after so many steps."""

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.Adam(model.parameters())
        _train(model, optimizer, after)
        kept = torch.load(file)
        model.load_state_dict(kept["model"])
        if restored:
            optimizer.load_state_dict(kept["optimizer"])
        _train(model, optimizer, 3)
        return model

    records = record(train)
    return [(one["step"], one["detail"]) for one in records if one["record"] == "event" and one["kind"] == "resume"]


def test_a_checkpoint_in_the_middle() -> None:
    """The losses before it are in the same log."""
    assert _events(_file(), after=4, restored=True) == [(4, {"optimizer": None, "loss": None})]


def test_a_training_that_goes_on() -> None:
    """Weights and the state of the optimizer are restored before the first step; the loss stands in the file."""
    assert _events(_file(), after=0, restored=True) == [(0, {"optimizer": True, "loss": 0.25})]


@pytest.mark.parametrize("with_optimizer", [True, False])
def test_weights_alone_begin_a_fine_tuning(with_optimizer: bool) -> None:  # noqa: FBT001
    """Whatever else is in their file."""
    assert _events(_file(with_optimizer=with_optimizer), after=0, restored=False) == []


def test_weights_alone_in_the_middle_are_no_resumption() -> None:
    """As those of the best epoch, kept in a file of their own."""
    assert _events(_file(with_optimizer=False), after=4, restored=False) == []
