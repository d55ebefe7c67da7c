"""Copies of the trained model that are evaluated."""

from __future__ import annotations

import copy
import math
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F

from trainadvisor.record.probes.copied_models import EvaluatedCopyProbe

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, STEPS = 3, 4


def _told(update: Callable[[nn.Module, nn.Module], object], *, both: bool = False) -> dict[str, Any]:
    def train() -> tuple[nn.Module, nn.Module]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        averaged = copy.deepcopy(model)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(ROUNDS):
            model.train()
            for _ in range(STEPS):
                optimizer.zero_grad()
                F.mse_loss(model(torch.randn(8, 4) + 1), torch.randn(8, 2)).backward()
                optimizer.step()
                update(model, averaged)
            for evaluated in (averaged, model)[: 1 + both]:
                evaluated.eval()
                with torch.no_grad():
                    F.mse_loss(evaluated(torch.randn(8, 4)), torch.randn(8, 2))
        return model, averaged

    return record(train).events("evaluated-copy")[-1]


@torch.no_grad()
def _average(model: nn.Module, averaged: nn.Module) -> None:
    for ours, theirs in zip(averaged.parameters(), model.parameters(), strict=True):
        ours.lerp_(theirs, 0.5)


def test_a_copy_that_nobody_updates() -> None:
    """It is a whole way behind, and the trained model was never asked without gradients."""
    told = _told(lambda *_: None)
    assert (told["still"], told["copied"], told["rounds"], told["original_rounds"]) == (True, True, ROUNDS, 0)
    assert told["lag"] == pytest.approx(1.0)


def test_an_average_without_buffers_keeps_its_statistics() -> None:
    """Its weights follow, its running means do not."""
    told = _told(_average, both=True)
    assert (told["still"], told["statistics_still"], told["statistics_move"]) == (False, True, True)
    assert told["original_rounds"] == ROUNDS - 1  # of the rounds before
    assert told["lag"] < 0.5


def test_a_copy_of_everything_follows() -> None:
    """Nothing lies between the two."""
    told = _told(lambda model, averaged: averaged.load_state_dict(model.state_dict()))
    assert (told["still"], told["statistics_still"], told["lag"]) == (False, False, 0.0)


@pytest.mark.parametrize(
    ("seen", "stepped", "until"),
    [
        ({}, set(), 7),
        ({0: None}, set(), 7),
        ({0: None, 1: None}, {5}, 7),
        ({0: None, 1: None, 2: None}, {5, 6}, math.inf),
    ],
)
def test_the_probe_rests_while_models_and_optimizers_are_known(
    seen: dict[int, None], stepped: set[int], until: float
) -> None:
    """All that a step of the routine has; it may know others too."""
    made: Any = EvaluatedCopyProbe(SimpleNamespace())  # type: ignore[arg-type] # nothing is asked of it here
    made._seen, made._optimizers = seen, stepped
    routine: Any = SimpleNamespace(models={0: 1, 1: 1}, stepped={5, 6}, step=7)
    assert made.rests_until(routine) == until
    assert made.rests_until(SimpleNamespace(models={}, stepped=set(), step=7)) == math.inf
