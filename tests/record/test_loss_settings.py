"""Weights and settings of a loss call that move its yardstick."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from trainadvisor.record.losses.reference_losses import ColumnShares, read_weights, settings_of, weights_of

ONE, TWO = torch.tensor([1.0, 3.0]), torch.tensor(2, dtype=torch.float64)


@pytest.mark.parametrize(
    ("given", "weights"),
    [
        ({}, None),
        ({"weight": None, "pos_weight": None}, None),
        ({"weight": ONE}, [1.0, 3.0]),
        ({"weight": ONE, "pos_weight": None}, [1.0, 3.0]),
        ({"pos_weight": TWO}, [2.0]),
        ({"weight": ONE, "pos_weight": TWO}, [2.0]),
        ({"weight": [1.0, 3.0]}, None),
        ({"weight": torch.ones(2, 2)}, None),
    ],
)
def test_class_weights_or_that_of_the_positive_class(given: dict[str, Any], weights: list[float] | None) -> None:
    """One for each class; anything else is none."""
    found = weights_of(given)
    assert (found if found is None else found.tolist()) == weights


def test_weights_are_written_when_they_are_here() -> None:
    """With six digits; without weights nothing is read."""
    fact: dict[str, Any] = {}
    read_weights(
        {"weight": torch.tensor([1 / 3, 2.0])}, lambda tensor: tensor, lambda numbers, take: take(numbers), fact
    )
    assert fact == {"weights": [0.333333, 2.0]}
    read_weights({}, None, None, fact)


@pytest.mark.parametrize(
    ("kind", "given", "settings"),
    [
        ("mse_loss", {"beta": 2.0}, {}),
        ("smooth_l1_loss", {}, {"beta": 1.0}),
        ("smooth_l1_loss", {"beta": 2}, {"beta": 2.0}),
        ("huber_loss", {"delta": 0.5}, {"delta": 0.5}),
        ("huber_loss", {"delta": "wide"}, {"delta": None}),
        ("poisson_nll_loss", {}, {"log_input": True, "full": False}),
        ("poisson_nll_loss", {"log_input": False, "full": 1}, {"log_input": False, "full": True}),
    ],
)
def test_settings_beyond_the_reduction(kind: str, given: dict[str, Any], settings: dict[str, Any]) -> None:
    """Of robust losses the border, of the Poisson likelihood both of its forms."""
    assert settings_of(kind, given) == settings


def test_columns_of_all_batches_so_far() -> None:
    """Shares that single batches of two rows show as 0, 1/2 or 1; columns of another count begin anew."""
    shares = ColumnShares()
    rows = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=torch.float64)
    shares.add(rows[:2])
    quarter = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert shares.add(rows[2:]).item() == pytest.approx(quarter / 3)
    assert shares.add(rows[:2, :2]).item() == pytest.approx(math.log(2) / 2)
    assert ColumnShares().add(rows[:, 1]).item() == pytest.approx(quarter)
