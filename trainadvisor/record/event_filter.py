"""Under `watch` only some models are recorded: which events concern them."""

from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record.probes.loss_graph import leaves_of

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

FILTERED = {"step_begins", "step_ends", "zero_grad", "backward_begins", "backward_ends", "loss"}


class Concerns:
    """Says of an event whether it concerns a watched model; other trainings in the process are none of ours."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._foreign_backward = False

    def __call__(self, name: str, args: tuple[Any, ...]) -> bool:
        """Return whether the event is to be handled."""
        if name == "loss":
            return bool(self._recorder.iteration.models) or self._recorder.evaluation.is_open
        if name == "backward_begins":
            self._foreign_backward = not self._reaches(args)
        if name in {"backward_begins", "backward_ends"}:
            return not self._foreign_backward
        thing = args[0] if name != "zero_grad" else args[0][0]
        known = id(thing) in self._recorder.inventory.optimizers
        return known or not isinstance(thing, torch.optim.Optimizer) or self._trains(thing)

    def _trains(self, optimizer: torch.optim.Optimizer) -> bool:
        known = self._recorder.inventory.of_parameter
        return any(id(p) in known for group in optimizer.param_groups for p in group["params"])

    def _reaches(self, args: tuple[Any, ...]) -> bool:
        """Say whether a backward goes to a watched model: one was called in this step, or its parameters are found."""
        iteration = self._recorder.iteration
        if iteration.models and not iteration.done:
            return True
        tensors = args[0][0] if args[0] else args[1].get("tensors")
        tensor = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
        if not isinstance(tensor, torch.Tensor) or tensor.grad_fn is None:
            return True
        known = self._recorder.inventory.of_parameter
        return any(id(leaf) in known for leaf in leaves_of(tensor.grad_fn))
