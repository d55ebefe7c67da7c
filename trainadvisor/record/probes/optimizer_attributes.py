"""Probe: settings that were written to an optimizer of torch as attributes, which it never reads."""

from typing import Any

import torch

from trainadvisor.record.context import Context, probe
from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.objects.describe import plain

_ALSO = {"learning_rate": "lr"}


@probe(order=60)
class OptimizerAttributesProbe:
    """Writes an event "optimizer-attribute" for each setting that differs from what the groups hold."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: set[tuple[int, str]] = set()

    @only_sampled
    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Look at sampled steps."""
        if self._context.step.sample_gradients:
            self._look(optimizer)

    def on_stop(self, _: str) -> None:
        """Look at the optimizers that are still there."""
        for optimizer in self._context.objects.alive_optimizers():
            self._look(optimizer)

    def _look(self, optimizer: torch.optim.Optimizer) -> None:
        known = self._context.objects.optimizers.get(id(optimizer))
        if known is None or not type(optimizer).__module__.startswith("torch.optim"):
            return  # a class of the user's may well read its own attributes
        for name in vars(optimizer).keys() & (optimizer.defaults.keys() | _ALSO.keys()):
            value, used = vars(optimizer)[name], [group.get(_ALSO.get(name, name)) for group in optimizer.param_groups]
            if _is_number(value) and all(_is_number(other) and other != value for other in used):
                self._tell(known["id"], name, {"value": plain(value), "used": [plain(other) for other in used]})

    def _tell(self, number: int, name: str, detail: dict[str, Any]) -> None:
        if (number, name) not in self._told:
            self._told.add((number, name))
            self._context.event("optimizer-attribute", name, {"optimizer": number, **detail})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
