"""Optimizers that are switched between training and evaluation."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn

STEPS, EVERY = 8, 2
Details = list[dict[str, Any]]


class _ScheduleFree(torch.optim.SGD):
    """Averages weights, and says by its groups, as the real ones do, which of them the parameters hold."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, lr=0.1)
        self._switch(on=False)

    def _switch(self, *, on: bool) -> None:
        for group in self.param_groups:
            group["train_mode"] = on

    def train(self) -> None:
        """Put the weights for gradients in."""
        self._switch(on=True)

    def eval(self) -> None:
        """Put the averaged weights in."""
        self._switch(on=False)


class _WithoutWord(torch.optim.SGD):
    """Has such methods, and nothing in its groups."""

    def train(self) -> None:
        """Do nothing."""

    def eval(self) -> None:
        """Do nothing."""


def _told(
    *, switch: bool, before: bool = False, make: Any = _ScheduleFree, evaluated: str = "model", eval_mode: bool = True
) -> Details:
    def train() -> object:
        models = {"model": nn.Linear(4, 1), "other": nn.Linear(4, 1)}
        model = models["model"]
        optimizer = make(model.parameters())
        for step in range(STEPS):
            model.train()
            optimizer.train()
            optimizer.zero_grad()
            model(torch.randn(8, 4)).pow(2).mean().backward()
            optimizer.step()
            if step % EVERY:
                if before:
                    with torch.no_grad():
                        model.eval()(torch.randn(8, 4))
                if switch:
                    optimizer.eval()
                models[evaluated].train(not eval_mode)
                with torch.no_grad():
                    for _ in range(3):
                        models[evaluated](torch.randn(8, 4))
        return models, optimizer

    return record(train).events("optimizer-mode")


def test_evaluations_without_a_switch_are_counted() -> None:
    """Each once, however many batches it has."""
    assert _told(switch=False)[-1] == {"optimizer": 0, "evaluations": STEPS // EVERY, "wrong": STEPS // EVERY}


def test_an_optimizer_that_is_switched_is_right() -> None:
    """All evaluations are of the averaged weights."""
    assert _told(switch=True)[-1] == {"optimizer": 0, "evaluations": STEPS // EVERY, "wrong": 0}


def test_both_kinds_of_weights_may_be_compared() -> None:
    """The averaged ones were evaluated as well."""
    assert _told(switch=True, before=True)[-1]["wrong"] == 0


@pytest.mark.parametrize(
    "changed", [{"make": _WithoutWord}, {"evaluated": "other"}, {"eval_mode": False}],
    ids=["no word of a mode", "another model", "a look in train mode"],
)  # fmt: skip
def test_what_is_no_evaluation_of_averaged_weights_is_not_told(changed: dict[str, Any]) -> None:
    """Nothing is known of it."""
    assert _told(switch=False, **changed) == []
