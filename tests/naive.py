"""What a training is by plain formulas, worked out inside the training itself and never by our code."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recordkit import Records
    from torch import nn


class Naive:
    """Losses, gradient norms, weights and updates of a training, and the model at its end."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.weights: list[dict[str, float]] = []
        self.updates: list[dict[str, float]] = []
        self.model: nn.Module | None = None
        self._before: dict[str, torch.Tensor] = {}

    def begin(self, model: nn.Module) -> None:
        """Copy the weights before a step."""
        self.model = model
        self._before = {name: p.detach().clone() for name, p in model.named_parameters() if p.numel()}

    def gradients(self, parameters: Iterable[torch.Tensor], scale: float = 1.0) -> None:
        """Take the norm of the gradients as they are."""
        self.norms.append(math.sqrt(sum(squared(p.grad) for p in parameters if p.grad is not None)) / scale)

    def end(self, loss: float) -> None:
        """Take the loss of a step, and how far it moved each parameter."""
        assert self.model is not None
        self.losses.append(loss)
        named = dict(self.model.named_parameters())
        moved = {name: math.sqrt(squared(named[name].detach() - old)) for name, old in self._before.items()}
        self.weights.append({name: math.sqrt(squared(old)) for name, old in self._before.items()})
        self.updates.append({name: moved[name] / (self.weights[-1][name] + 1e-12) for name in moved})


def squared(tensor: torch.Tensor) -> float:
    """Return the sum of the squares of all numbers, in double precision."""
    dense = tensor.detach()
    dense = dense.to_dense() if dense.is_sparse else dense
    dense = torch.view_as_real(dense) if dense.is_complex() else dense
    return float(dense.double().square().sum())


def near(expected: float) -> object:
    """Return what equals a number up to single precision; all that is not finite is one."""
    return pytest.approx(expected, rel=2e-5, abs=1e-9) if math.isfinite(expected) else _NotFinite()


class _NotFinite:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and not math.isfinite(other)

    __hash__ = None  # type: ignore[assignment]


def assert_recorded(records: Records, naive: Naive) -> None:
    """Compare steps, losses and norms with the records."""
    assert len(records.of("step")) == len(naive.losses)
    assert records.column("loss") == [near(loss) for loss in naive.losses]
    assert records.column("grad_norm") == [near(norm) for norm in naive.norms]


def assert_layers_recorded(records: Records, naive: Naive, steps: list[int]) -> None:
    """Compare every parameter's norm and update at some steps with the records; they hold up to 16,384 elements."""
    names = [p["name"] for p in records.facts("model")[0]["parameters"]]
    sampled = {row["step"]: row for row in records.of("layers") if "weight" in row}
    assert sorted(sampled) == steps
    for column, expected in (("weight", naive.weights), ("update", naive.updates)):
        for step, row in sampled.items():
            found = dict(zip(names, row[column], strict=True))
            assert found == {name: near(value) for name, value in expected[step].items()}, (step, column)
