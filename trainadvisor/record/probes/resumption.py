"""Probe: checkpoints of a training, weights together with the state of an optimizer, that are loaded to go on from."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from trainadvisor.log.cleaning import number
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.loaded_keys import File

# Events that are written at most.
_MOST = 20
_OF_OPTIMIZER = {"state", "param_groups"}
_LOSSES = ("loss", "train_loss", "training_loss")


@probe(order=31)
class ResumptionProbe:
    """Writes events "resume": in the middle of a training, or before it where the optimizer begins with a state."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._file: File | None = None
        self._loss: float | None = None
        # Weights were loaded, and no optimizer has stepped since; in the middle of a training, or before it.
        self._loaded = self._within = False
        self._count = 0

    def rests_until(self, routine: Routine) -> float:
        """Rest while no loaded weights wait for their first step."""
        return routine.step if self._loaded else math.inf

    def on_file_loaded(self, _: object, __: object, result: object) -> None:
        """Remember the newest file that holds the state of an optimizer."""
        if isinstance(result, Mapping) and any(map(_is_state, result.values())):
            self._file = File(result)
            self._loss = next((found for name in _LOSSES if (found := number(result.get(name))) is not None), None)

    def on_load_state_dict(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Note weights that come from that file, all of a model's."""
        given = args[1] if len(args) > 1 else kwargs.get("state_dict")
        if self._file is None or not isinstance(given, Mapping) or not self._file.behind(given):
            return
        if result.missing_keys or result.unexpected_keys:
            return
        self._loaded, self._within = True, self._context.steps_done() > 0

    @unless_resting
    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Tell of the weights in the first step with them; before a training its optimizer has to have a state too."""
        loaded, self._loaded = self._loaded, False
        if loaded and self._within:
            self._tell({"optimizer": None, "loss": None})
        elif loaded and optimizer.state:
            self._tell({"optimizer": True, "loss": self._loss})

    def _tell(self, detail: dict[str, Any]) -> None:
        self._count += 1
        if self._count <= _MOST:
            self._context.event("resume", "", detail)


def _is_state(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() >= _OF_OPTIMIZER
