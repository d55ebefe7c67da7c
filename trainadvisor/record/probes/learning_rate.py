"""Probe: the learning rate of every step."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record.objects.describe import plain

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class RateProbe:
    """Reads the learning rates that a step uses, before a scheduler changes them."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder

    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Add the rate of each group; one that is a tensor is read like every tensor."""
        iteration = self._recorder.iteration
        rates: list[Any] = iteration.fields.setdefault("lr", [])
        for group in optimizer.param_groups:
            rate = group.get("lr")
            if type(rate) is float:
                rates.append(rate)
            elif isinstance(rate, torch.Tensor):
                rates.append(None)
                iteration.expect(self._recorder.values.read(rate), _setter(rates, len(rates) - 1))
            else:
                rates.append(plain(rate))

    def on_unseen_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Add the rates of a step that no hook has shown."""
        self.on_step_begins(optimizer, None)


def _setter(rates: list[Any], index: int) -> Callable[[list[float]], None]:
    def arrived(values: list[float]) -> None:
        rates[index] = values[0]

    return arrived
