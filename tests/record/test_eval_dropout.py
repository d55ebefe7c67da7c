"""Dropout in the code of a model that goes on in eval mode is told, with its line; layers and training are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 3


class Net(nn.Module):
    """A classifier with one way of dropping."""

    def __init__(self, drop: Callable[[nn.Module, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.layer, self.drop = nn.Linear(4, 8), nn.Linear(8, 3), nn.Dropout(0.5), drop

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.drop(self, self.first(x)))


def _told(drop: Callable[[Any, torch.Tensor], torch.Tensor], evaluate: Callable[[nn.Module, Any], object]) -> Any:
    torch.manual_seed(0)
    x, y = torch.randn(12, 4), torch.randint(0, 3, (12,))

    def train() -> object:
        net = Net(drop)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(STEPS):
            net.train()
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            net.eval()
            evaluate(net, x)
        return net

    events = record(train).events("eval-dropout")
    return (events[-1]["dropped"], events[-1]["passes"], events[-1]["repeated"]) if events else None


@torch.no_grad()
def _once(net: nn.Module, x: torch.Tensor) -> None:
    net(x[:6])
    net(x[6:])


@torch.no_grad()
def _often(net: nn.Module, x: torch.Tensor) -> None:
    for _ in range(5):
        net(x)


def _with_graph(net: nn.Module, x: torch.Tensor) -> None:
    net(x[:6])
    net(x[6:])


@pytest.mark.parametrize("function", [F.dropout, F.dropout1d])
@pytest.mark.parametrize("evaluate", [_once, _with_graph])
def test_a_function_that_drops_in_evaluations_is_told(function: Any, evaluate: Any) -> None:
    """Each pass in eval mode drops, whether a graph is built or not."""
    assert _told(lambda _, h: function(h, 0.5), evaluate) == (2 * STEPS, 2 * STEPS, 0)


@pytest.mark.parametrize(
    "drop",
    [
        lambda net, h: F.dropout(h, 0.5, net.training),
        lambda net, h: F.dropout(h, 0.5, training=net.training),
        lambda _, h: F.dropout(h, 0.0),
        lambda net, h: net.layer(h),
        lambda net, h: net.layer.train()(h),
    ],
    ids=["by place", "by name", "nothing", "layer", "layer in train mode"],
)
def test_what_follows_the_mode_is_not(drop: Any) -> None:
    """A function that is told the mode, and a layer, whose mode is seen anyway."""
    assert _told(drop, _once) is None


def test_passes_of_one_batch_are_told_apart() -> None:
    """Of five passes over a batch, four repeat it: an average over them is meant."""
    assert _told(lambda _, h: F.dropout(h, 0.5), _often) == (5 * STEPS, 5 * STEPS, 4 * STEPS)


def test_a_training_in_eval_mode_is_no_evaluation() -> None:
    """A pass that a backward follows is the training's."""

    def step(net: nn.Module, x: torch.Tensor) -> None:
        net(x).sum().backward()

    assert _told(lambda _, h: F.dropout(h, 0.5), step) is None
