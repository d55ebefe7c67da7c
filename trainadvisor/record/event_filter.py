"""Under `watch` only some models are recorded: which events concern them."""

import math
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_graph import leaves_of
from trainadvisor.record.step import Call

FILTERED = {"step_begins", "step_ends", "zero_grad", "backward_begins", "backward_ends", "loss"}


class EventFilter:
    """Passes events of watched models only: other trainings may run in the same process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._evaluating = False
        self._foreign_backward = False

    def rests_until(self, routine: Routine) -> float:
        """Rest outside of evaluations."""
        return routine.step if self._evaluating else math.inf

    def __call__(self, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether the event is to be handled."""
        if name == "loss":
            return bool(self._context.step.models) or self._evaluating
        if name == "backward_begins":
            self._foreign_backward = not self._reaches(args)
            return not self._foreign_backward
        if name == "backward_ends":
            return not self._foreign_backward
        thing = args[0] if name != "zero_grad" else args[0][0]
        if id(thing) in self._context.objects.optimizers:
            return True
        return not isinstance(thing, torch.optim.Optimizer) or self._trains(thing)

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Note that a watched model computes without gradients: losses that follow are of an evaluation."""
        self._evaluating = self._evaluating or not call.grad

    @unless_resting
    def on_backward_begins(self, *_: object) -> None:
        """Note that the training goes on."""
        self._evaluating = False

    def _trains(self, optimizer: torch.optim.Optimizer) -> bool:
        known = self._context.objects.of_parameter
        return any(id(p) in known for group in optimizer.param_groups for p in group["params"])

    def _reaches(self, args: tuple[Any, ...]) -> bool:
        """Return whether a backward goes to a watched model, called in this step or found by its parameters."""
        step = self._context.step
        if step.models and not step.done:
            return True
        tensors = args[0][0] if args[0] else args[1].get("tensors")
        tensor = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
        if not isinstance(tensor, torch.Tensor) or tensor.grad_fn is None:
            return True
        known = self._context.objects.of_parameter
        return any(id(leaf) in known for leaf in leaves_of(tensor.grad_fn))
