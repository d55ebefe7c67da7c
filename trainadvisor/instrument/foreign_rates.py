"""The steps of optimizers that are not torch's, for those who change their learning rates."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import torch

from trainadvisor.instrument import foreign_optimizers
from trainadvisor.interruptions import unless_it_fails

_STEPS = {
    "keras.src.optimizers.base_optimizer": ("BaseOptimizer", "apply"),
    "fastai.optimizer": ("Optimizer", "step"),
}


def step_functions() -> Iterator[Callable[..., Any]]:
    """Yield the functions that step in the frameworks that are imported by now."""
    for module, (kind, name) in _STEPS.items():
        home = sys.modules.get(module)
        if home is not None:
            with suppress(AttributeError):  # of another version
                yield getattr(getattr(home, kind), name)


def stand_in(optimizer: Any) -> torch.optim.Optimizer | None:
    """Return an optimizer of torch's class with the groups of this one and rates as numbers; None if it has none."""
    return unless_it_fails(_with_plain_rates, optimizer)


def _with_plain_rates(optimizer: Any) -> torch.optim.Optimizer | None:
    made = foreign_optimizers.standing_for(optimizer)
    for group in made.param_groups if made is not None else ():
        group["lr"] = float(group["lr"])
    return made


@contextmanager
def rates_of(optimizer: Any, made: torch.optim.Optimizer) -> Iterator[None]:
    """Let an optimizer step with the rates of its stand-in."""
    rates = [float(group["lr"]) for group in made.param_groups]
    before = _set(optimizer, rates)
    try:
        yield
    finally:
        _set(optimizer, before)


def can_be_set(optimizer: Any) -> bool:
    """Return whether the rate is a number that may be set, and no schedule of the framework."""
    return hasattr(optimizer, "hypers") or hasattr(getattr(optimizer, "_learning_rate", None), "assign")


def _set(optimizer: Any, rates: list[float]) -> list[float]:
    """Set the rates of the groups and return those before."""
    if hasattr(optimizer, "hypers"):
        before = [float(hyper["lr"]) for hyper in optimizer.hypers]
        for hyper, rate in zip(optimizer.hypers, rates, strict=False):
            hyper["lr"] = rate
        return before
    variable = optimizer._learning_rate
    before = [float(variable)]
    if rates != before:
        variable.assign(rates[0])
    return before
