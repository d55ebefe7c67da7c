"""Steps that no hook shows, as those of a compiled optimizer: the parameters have changed since the backward."""

from typing import TYPE_CHECKING

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.instrument.gradients import gradient_of
from trainadvisor.record.context import Context

if TYPE_CHECKING:
    from trainadvisor.record.objects.held_tensor import HeldTensor


class ImplicitSteps:
    """Compares the version of one trained parameter; an update in place, compiled or not, raises it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._parameter: HeldTensor | None = None
        self.version = 0

    def on_backward_ends(self, *_: object) -> None:
        """Remember the version of a parameter that has a gradient."""
        parameter = self._parameter() if self._parameter is not None else None
        if not _has_gradient(parameter):
            models = self._context.step.models[-1:]
            held = (h for model in models for h in model.references if _has_gradient(h()))
            self._parameter = next(held, None)
            parameter = None if self._parameter is None else self._parameter()
        if parameter is not None:
            self.version = private_torch.version(parameter)

    def has_changed(self) -> bool:
        """Return whether the parameter has changed since the backward."""
        parameter = self._parameter() if self._parameter is not None else None
        return parameter is not None and private_torch.version(parameter) != self.version

    def changed_by(self) -> list[torch.optim.Optimizer] | None:
        """Return the optimizers that hold the parameter if it has changed, else None."""
        parameter = self._parameter() if self._parameter is not None else None
        if parameter is None or private_torch.version(parameter) == self.version:
            return None
        self.version = private_torch.version(parameter)
        alive = self._context.objects.alive_optimizers()
        holding = [o for o in alive if any(p is parameter for group in o.param_groups for p in group["params"])]
        return holding[-1:]  # the latest: those before it are usually done


def _has_gradient(parameter: torch.Tensor | None) -> bool:
    return parameter is not None and gradient_of(parameter) is not None
