"""Logarithms of outputs that a clamp has cut, beside those of probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.losses.clamped_outputs import clamped_outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _focal(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    p = output.clamp(1e-6, 1 - 1e-6)
    right = torch.where(target > 0.5, p, 1 - p)
    return (-((1 - right) ** 2) * right.log()).mean()


def _entropy(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    p = torch.clip(output.squeeze(1), 0.001, 0.999)
    return -(target[:, 0] * p.log() + (1 - target[:, 0]) * (1 - p).log()).mean()


def _called(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return F.binary_cross_entropy(output.clamp(0, 1), target)


LOSSES = [_focal, _entropy, _called]


def _parts() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Linear(3, 1)(torch.randn(8, 3)), (torch.rand(8, 1) < 0.5).float()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_logarithm_of_cut_outputs_is_found(loss: Loss) -> None:
    """In a focal loss, a cross-entropy written out, and torch's own."""
    assert clamped_outputs(loss(*_parts()).grad_fn)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_clamp_behind_a_sigmoid_is_a_safeguard(loss: Loss) -> None:
    """Nothing is told."""
    output, target = _parts()
    assert not clamped_outputs(loss(output.sigmoid(), target).grad_fn)


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, t: (p.clamp(min=1e-6) - t * p.clamp(min=1e-6).log()).mean(),
        lambda p, t: ((p.clamp(0, 1) - t) ** 2).mean(),
        lambda p, t: (p.clamp(0.5, 20).log() - t).abs().mean(),
    ],
    ids=["a rate", "no logarithm", "other ends"],
)
def test_other_clamps_are_sound(loss: Loss) -> None:
    """What is kept positive, pictures in their range, and a scale."""
    assert not clamped_outputs(loss(*_parts()).grad_fn)


def test_it_is_told_once() -> None:
    """One event in three steps."""

    def train() -> object:
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            _focal(model(torch.randn(8, 3)), torch.ones(8, 1)).backward()
            optimizer.step()
        return model

    assert len(record(train).events("clamped-outputs")) == 1
