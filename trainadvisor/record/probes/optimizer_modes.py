"""Probe: evaluations between `train()` and `eval()` of an optimizer that keeps averaged weights (schedule-free)."""

import math
from typing import Any
from weakref import WeakSet

import torch

from trainadvisor.instrument.user_attributes import attribute
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import only_sampled, unless_resting
from trainadvisor.record.step import Call

_MODE = "train_mode"
_TOLD = frozenset(2**power for power in range(40))


@probe(order=60)
class OptimizerModesProbe:
    """Writes events "optimizer-mode": evaluations of a model in eval mode, and in how many its optimizer was not.

    Such an optimizer says by its groups which weights the parameters hold: those for gradients, or their average.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._moded: WeakSet[torch.optim.Optimizer] = WeakSet()
        # By the number of the optimizer: steps before its evaluations, and of those that saw the averages.
        self._evaluations: dict[int, tuple[set[int], set[int]]] = {}

    def rests_until(self, _: Routine) -> float:
        """Rest in steps: only evaluations are looked at."""
        return math.inf

    @only_sampled
    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Remember an optimizer that has such modes."""
        if _has_modes(optimizer):
            self._moded.add(optimizer)

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Look at the optimizers of a trained model that is evaluated; before the first step all weights are one."""
        if call.grad or call.training or not self._moded or not self._context.steps_done():
            return
        for optimizer in list(self._moded):
            known = self._context.objects.optimizers.get(id(optimizer))
            if known is not None and any(model is call.model for model in self._context.objects.models_of(optimizer)):
                self._note(known["id"], optimizer)

    def _note(self, number: int, optimizer: torch.optim.Optimizer) -> None:
        evaluations, right = self._evaluations.setdefault(number, (set(), set()))
        now = self._context.steps_done()
        if now not in evaluations and len(evaluations) in _TOLD:  # those before are over
            self._tell(number, type(optimizer).__name__)
        evaluations.add(now)
        if not all(group.get(_MODE) for group in optimizer.param_groups):
            right.add(now)  # whatever was looked at beside it

    def on_stop(self, _: str) -> None:
        """Tell what was seen in all."""
        for optimizer in list(self._moded):
            known = self._context.objects.optimizers.get(id(optimizer))
            if known is not None and known["id"] in self._evaluations:
                self._tell(known["id"], type(optimizer).__name__)

    def _tell(self, number: int, name: str) -> None:
        evaluations, right = self._evaluations[number]
        detail: dict[str, Any] = {
            "optimizer": number,
            "evaluations": len(evaluations),
            "wrong": len(evaluations - right),
        }
        self._context.event("optimizer-mode", name, detail)


def _has_modes(optimizer: Any) -> bool:
    """Return whether an optimizer is switched between training and evaluation, and says in its groups which it is in.

    A method of torch's own would be no sign of averaged weights: the groups hold the mode only where it counts.
    """
    switches = callable(attribute(optimizer, "train")) and callable(attribute(optimizer, "eval"))
    return switches and all(isinstance(group.get(_MODE), bool) for group in optimizer.param_groups)
