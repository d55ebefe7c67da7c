"""What is told of predictions and targets beside their sizes: spread, range, and whether they are labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def described(
    objective: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], target: torch.Tensor, head: nn.Module
) -> dict[str, Any]:
    """Return the facts of a loss after one step on a target."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, target.shape[-1] if target.is_floating_point() else 3), head)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        optimizer.zero_grad()
        objective(model(torch.randn(len(target), 4)), target).backward()
        optimizer.step()
        return model

    return record(train).facts("loss")[0]


@pytest.mark.parametrize(
    ("values", "unit"), [([[0.0], [0.5], [1.0]], True), ([[0.0], [0.5], [1.1]], False), ([[-0.1], [0.5], [1.0]], False)]
)
def test_a_target_is_told_by_its_variance_and_whether_it_is_a_share(values: list[list[float]], *, unit: bool) -> None:
    """The bounds are within."""
    target = torch.tensor(values)
    told = described(F.mse_loss, target, nn.Identity())["target"]
    assert told["variance"] == pytest.approx(target.var(unbiased=False).item(), rel=1e-4)
    assert (told["in_unit_interval"], told["soft"], told["examples"]) == (unit, False, 3)


@pytest.mark.parametrize(
    ("head", "nonnegative", "unit"),
    [(nn.Sigmoid(), True, True), (nn.Softplus(beta=0.1), True, False), (nn.Tanhshrink(), False, False)],
)
def test_a_prediction_is_told_by_its_range(head: nn.Module, *, nonnegative: bool, unit: bool) -> None:
    """Shares, numbers that are not negative, any numbers."""
    told = described(F.mse_loss, torch.zeros(64, 1), head)["prediction"]
    assert (told["nonnegative"], told["in_unit_interval"]) == (nonnegative, unit)


def test_class_numbers_are_integers_and_shares_of_classes_are_soft() -> None:
    """Both have classes."""
    hard = described(F.cross_entropy, torch.tensor([0, 1, 2, 2]), nn.Identity())["target"]
    soft = described(F.cross_entropy, torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]), nn.Identity())["target"]
    assert (hard["integer"], hard["soft"], hard["classes"], hard["histogram"]) == (True, False, 3, [1, 1, 2])
    assert (soft["integer"], soft["soft"], soft["classes"], soft["histogram"]) == (False, True, 3, [0.5, 1.0, 0.5])
