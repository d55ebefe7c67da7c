"""The scale by which a gradient scaler multiplies the loss: how losses and gradients are brought back from it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from trainadvisor.record.device_readback import Reading
from trainadvisor.record.objects.known_tensor import KnownTensor


@dataclass
class LossScale:
    """The scale of the current step, and the loss that it was applied to."""

    reading: Reading | None = None
    unscaled: bool = False
    # The scaled loss, and the loss before.
    _scaled: tuple[KnownTensor, torch.Tensor] | None = None

    def begin(self, scaled: torch.Tensor, loss: torch.Tensor, reading: Reading) -> None:
        """Note that a loss has been scaled."""
        self._scaled, self.reading, self.unscaled = (KnownTensor(scaled), loss), reading, False

    def end(self) -> Reading | None:
        """Forget the scaled loss, when the step is over; return the scale."""
        self._scaled = None
        return self.reading

    def before(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the loss before scaling, when this is a scaled one."""
        if self._scaled is not None and self._scaled[0].is_(tensor):
            return self._scaled[1]
        return tensor

    def unscaling(self) -> Callable[[], float]:
        """Return what tells, once the scale is here, what the gradients of now have to be multiplied with."""
        scale = None if self.unscaled else self.reading
        return lambda: 1.0 / scale.values[0] if scale is not None and scale.values and scale.values[0] else 1.0
