"""Optimizers that one line makes again and again, and what each of them starts with."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from recordkit import Records, record
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, STEPS = 6, 2


def _rounds(
    kind: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    before: Callable[[nn.Module, Any], object] = lambda *_: None,
    after: Callable[[torch.optim.Optimizer], object] = lambda _: None,
) -> Records:
    def train() -> nn.Module:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
        start = copy.deepcopy(model.state_dict())
        for _ in range(ROUNDS):
            before(model, start)
            optimizer = kind(model.parameters(), lr=0.01)
            after(optimizer)
            for _ in range(STEPS):
                optimizer.zero_grad()
                F.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 2)).backward()
                optimizer.step()
        return model

    return record(train)


def test_optimizers_made_in_each_round_are_counted_from_the_third_on() -> None:
    """Six of one line begin without moments, on the weights that the one before left; two are needed to compare."""
    told = _rounds().events("optimizer-anew")[-1]
    assert told == {"first": 0, "optimizer": 5, "made": 6, "forgetful": 4, "steps": 12, "firsts": [4, 6, 8, 10]}


def test_momentum_is_lost_and_plain_descent_has_nothing_to_lose() -> None:
    """SGD keeps something with momentum only."""

    def momentum(parameters: Any, lr: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9)

    assert _rounds(momentum).events("optimizer-anew")[-1]["forgetful"] == 4
    assert _rounds(torch.optim.SGD).events("optimizer-anew") == []


def test_a_model_that_is_reset_begins_a_training_of_its_own() -> None:
    """The start's weights are loaded before each optimizer, or written by hand."""
    assert _rounds(before=lambda m, s: m.load_state_dict(s)).events("optimizer-anew")[-1]["forgetful"] == 0
    drawn = _rounds(before=lambda m, _: [p.data.normal_(0, 0.1) for p in m.parameters()])
    assert drawn.events("optimizer-anew")[-1]["forgetful"] == 0


def test_an_optimizer_that_is_given_the_state_of_the_one_before_forgets_nothing() -> None:
    """The state dict is carried over."""
    kept: list[Any] = []

    def carry(optimizer: torch.optim.Optimizer) -> None:
        if kept:
            optimizer.load_state_dict(kept[-1].state_dict())
        kept.append(optimizer)

    assert _rounds(after=carry).events("optimizer-anew") == []
