"""The factors of a policy's log-probabilities: all zero, some zero, and factors of something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

N = 8

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _log_prob(logits: torch.Tensor) -> torch.Tensor:
    return F.log_softmax(logits, -1).gather(1, torch.zeros(len(logits), 1).long()).squeeze(1)


def _reinforce(logits: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return -(_log_prob(logits) * factor).mean()


def _clipped(logits: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    log_prob = _log_prob(logits)
    ratio = (log_prob - log_prob.detach()).exp()
    return -torch.min(ratio * factor, ratio.clamp(0.8, 1.2) * factor).mean() + 0.01 * log_prob.pow(2).mean()


def _weighted(logits: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return (F.cross_entropy(logits, torch.zeros(N).long(), reduction="none") * factor).mean()


def _regression(logits: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return ((logits[:, 0] - 1) * factor).mean()


def _factors_zero(loss: Loss, factors: list[torch.Tensor]) -> list[float | None]:
    def train() -> object:
        torch.manual_seed(1)
        model = nn.Linear(3, 4)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for factor in factors:
            optimizer.zero_grad()
            loss(model(torch.randn(N, 3)), factor).backward()
            optimizer.step()
        return model

    return record(train).column("factor_zero")


@pytest.mark.parametrize("loss", [_reinforce, _clipped, _weighted])
def test_steps_without_advantage_are_marked(loss: Loss) -> None:
    """1 where every factor is zero, up to rounding; 0 where one is not."""
    zero, one = torch.zeros(N), torch.zeros(N).index_fill(0, torch.tensor([3]), -0.2)
    assert _factors_zero(loss, [zero, one, zero + 1e-9, one]) == [1.0, 0.0, 1.0, 0.0]


def test_factors_of_something_else_are_not_told() -> None:
    """A weighted regression has no policy."""
    assert _factors_zero(_regression, [torch.zeros(N)] * 3) == [None] * 3


def test_smoothed_labels_are_no_advantages() -> None:
    """A cross-entropy with label smoothing multiplies with single numbers only."""

    def smoothed(logits: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return 0.3 * F.cross_entropy(logits, torch.zeros(N).long(), label_smoothing=0.1)

    assert _factors_zero(smoothed, [torch.zeros(N)] * 3) == [None] * 3
