"""Probe: the learning rate of every step."""

from collections.abc import Callable
from typing import Any

import torch

from trainadvisor.record.context import Context, probe
from trainadvisor.record.objects.describe import plain


@probe(order=60)
class LearningRateProbe:
    """Reads the learning rates that a step uses, before a scheduler changes them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Add the rate of each group; one that is a tensor is read like every tensor."""
        step = self._context.step
        rates: list[Any] = step.fields.setdefault("lr", [])
        for group in optimizer.param_groups:
            rate = group.get("lr")
            if type(rate) is float:
                rates.append(rate)
            elif isinstance(rate, torch.Tensor):
                rates.append(None)
                step.expect(self._context.values.read(rate), _setter(rates, len(rates) - 1))
            else:
                rates.append(plain(rate))

    def on_implicit_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Add the rates of a step that no hook has shown."""
        self.on_step_begins(optimizer, None)


def _setter(rates: list[Any], index: int) -> Callable[[list[float]], None]:
    def arrived(values: list[float]) -> None:
        rates[index] = values[0]

    return arrived
