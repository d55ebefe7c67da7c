"""Settings that a script writes to an optimizer as attributes."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn


def _told(make: Callable[[Any], torch.optim.Optimizer], change: Callable[[Any], None]) -> list[tuple[str, Any]]:
    """Return the settings that are told, with what they hold and what is used."""

    def train() -> object:
        net = nn.Linear(3, 1)
        optimizer = make(net.parameters())
        for step in range(12):
            if step == 5:
                change(optimizer)
            optimizer.zero_grad()
            net(torch.ones(4, 3)).pow(2).mean().backward()
            optimizer.step()
        return net, optimizer

    events = [e for e in record(train).of("event") if e["kind"] == "optimizer-attribute"]
    return [(event["subject"], (event["detail"]["value"], event["detail"]["used"])) for event in events]


class _Reading(torch.optim.SGD):
    """An optimizer of the script's own, which may read what it likes."""


def _sgd(parameters: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.5)


def _set(name: str, value: object) -> Callable[[Any], None]:
    return lambda optimizer: setattr(optimizer, name, value)


@pytest.mark.parametrize("name", ["lr", "learning_rate"])
def test_a_rate_that_nothing_reads_is_told(name: str) -> None:
    """The value written and the one in use, once."""
    assert _told(_sgd, _set(name, 0.01)) == [(name, (0.01, [0.5]))]


def test_what_the_groups_hold_is_not() -> None:
    """The same value, another name, a setting that is no number, a group changed as it should be."""

    def rightly(optimizer: Any) -> None:
        optimizer.param_groups[0]["lr"] = 0.01

    for change in (_set("lr", 0.5), _set("name", 1.0), _set("momentum", None), rightly):
        assert _told(_sgd, change) == []


def test_an_optimizer_of_the_scripts_own_is_left_alone() -> None:
    """It may read its attributes."""
    assert _told(lambda parameters: _Reading(parameters, lr=0.5), _set("lr", 0.01)) == []


def test_no_optimizer_of_torch_has_such_attributes_by_itself() -> None:
    """Made as they are, none is told."""
    classes = [cls for cls in vars(torch.optim).values() if isinstance(cls, type) and cls is not torch.optim.Optimizer]
    made = [cls([nn.Parameter(torch.ones(2, 2))]) for cls in classes]
    assert len(made) > 10
    assert all(vars(optimizer).keys().isdisjoint({*optimizer.defaults, "learning_rate"}) for optimizer in made)
