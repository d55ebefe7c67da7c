"""Terms of one loss that are reduced in different ways over the same examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, make_loss, signals_of
from recordkit import record
from torch import nn

B = 16
Loss = Callable[[torch.Tensor, torch.Tensor, nn.Linear], torch.Tensor]


def _told(loss: Loss) -> list[dict[str, Any]]:
    def train() -> object:
        torch.manual_seed(1)
        model = nn.Linear(3, 4)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            loss(model(torch.randn(B, 3)), torch.rand(B, 4), model).backward()
            optimizer.step()
        return model

    return record(train).events("mixed-reductions")


MIXED: dict[str, tuple[Loss, float]] = {
    "mean and sum": (lambda o, y, _: F.mse_loss(o, y) + 0.5 * o.pow(2).sum(), 0.5 * B),
    "written out": (lambda o, y, _: (o - y).abs().mean() - torch.sum(o - o.exp()), B),
    "weighed down": (lambda o, y, _: F.mse_loss(o, y) + 0.01 * o.pow(2).sum(), 0.01 * B),
    "reduction given": (
        lambda o, y, _: F.binary_cross_entropy_with_logits(o, y) + F.mse_loss(o, y, reduction="sum"),
        B,
    ),
    "labels": (lambda o, _, __: F.cross_entropy(o, torch.zeros(B).long()) + o.pow(2).sum(), B),
    "the mean weighed up": (lambda o, y, _: 4 * F.mse_loss(o, y) + o.pow(2).sum(), B / 4),
}


@pytest.mark.parametrize("name", MIXED)
def test_how_much_more_an_example_counts(name: str) -> None:
    """The weight of an example in the sum over its weight in the mean, factors included."""
    loss, times = MIXED[name]
    (told,) = _told(loss)
    assert told["times"] == pytest.approx(times)
    assert told["per_batch"] == B


ALIKE: dict[str, Loss] = {
    "means": lambda o, y, _: F.mse_loss(o, y) + o.pow(2).mean(),
    "sums": lambda o, y, _: F.mse_loss(o, y, reduction="sum") + o.pow(2).sum(),
    "sums of each example, averaged": lambda o, y, _: (o - y).pow(2).sum(1).mean() + o.pow(2).sum(1).mean(),
    "a penalty on the weights": lambda o, y, model: F.mse_loss(o, y) + model.weight.pow(2).sum(),
    "one term": lambda o, _, __: o.pow(2).sum(),
}


def test_how_much_more_a_value_counts() -> None:
    """A mean over four values beside a sum over them, each averaged over the examples, and weighed by three."""
    (told,) = _told(lambda o, y, _: F.mse_loss(o, y) + 3 * (-0.5 * o.pow(2).sum(1)).mean())
    assert (told["values"], told["per_batch"]) == (4, B)
    assert told["times"] == pytest.approx(12.0)


@pytest.mark.parametrize("name", ALIKE)
def test_terms_that_are_reduced_alike(name: str) -> None:
    """Nothing is told."""
    assert _told(ALIKE[name]) == []


def test_signals_of_the_most_uneven_loss(tmp_path: Any) -> None:
    """The largest factor is taken, with its batch; 1 where the graph was read and nothing was told."""
    mixed = [
        event("mixed-reductions", {"averaged": kind, "summed": "Sum", "per_batch": size, "times": times})
        for kind, size, times in (("MseLoss", 8, 4.0), ("NllLoss", 32, 16.0))
    ]
    losses = [make_loss() | {"graph": {"ops": ["AddBackward0"]}}]
    seen = signals_of(tmp_path, steps=5, losses=losses, events=mixed)
    assert (seen["mixed_reductions"], seen["mixed_examples"], seen["averaged_term"]) == (16.0, 32, "NllLoss")
    assert signals_of(tmp_path, steps=5, losses=losses)["mixed_reductions"] == 1.0


def test_signals_of_the_values_of_an_example(tmp_path: Any) -> None:
    """They are of the event that tells of values, whatever is told of examples beside it, and the other way round."""
    of_values = {"averaged": "MseLoss", "summed": "Sum", "per_batch": 8, "times": 4.0, "values": 784}
    of_examples = {"averaged": "NllLoss", "summed": "Sum", "per_batch": 32, "times": 16.0, "values": 1}
    losses = [make_loss() | {"graph": {"ops": ["AddBackward0"]}}]
    names = ("mixed_values", "averaged_values", "mixed_reductions", "mixed_examples", "averaged_term")

    def told(*details: Any) -> list[Any]:
        seen = signals_of(tmp_path, steps=5, losses=losses, events=[event("mixed-reductions", one) for one in details])
        return [seen[name] for name in names]

    assert told(of_values, of_examples) == [4.0, 784, 16.0, 32, "NllLoss"]
    assert told(of_values) == [4.0, 784, 1.0, None, "MseLoss"]
    assert told(of_examples) == [1.0, None, 16.0, 32, "NllLoss"]
