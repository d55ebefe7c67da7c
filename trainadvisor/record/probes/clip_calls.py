"""Probe: what the user's own gradient clipping saw; its norm is exact and costs nothing."""

from typing import Any

import torch

from trainadvisor.record.context import Context, probe
from trainadvisor.record.sampling import Jumps

# A norm so many times its running mean is a jump, after so many steps.
_JUMP, _STEADY_AFTER = 10.0, 3


@probe(order=70)
class ClipCallProbe:
    """Takes norm and threshold from the clipping calls."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._jumps = Jumps(_JUMP, _STEADY_AFTER)

    def on_clip_grad_norm_(self, args: tuple[Any, ...], kwargs: dict[str, Any], norm: object) -> None:
        """Note the norm before clipping and the threshold."""
        step = self._context.step
        if not step.micro or step.done:
            return  # of another training
        limit = args[1] if len(args) > 1 else kwargs.get("max_norm")
        step.fields["clip_max"] = float(limit) if isinstance(limit, int | float) else None
        if type(norm) is torch.Tensor:  # of a distributed one only all processes together know the value
            fields = step.fields

            def arrived(values: list[float]) -> None:
                fields["clip_norm"] = values[0]
                if self._jumps.is_one(step.number, values[0]):
                    self._context.look_closer()

            step.expect(self._context.values.read(norm), arrived)

    def on_clip_grad_value_(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Note the limit of element-wise clipping."""
        limit = args[1] if len(args) > 1 else kwargs.get("clip_value")
        self._context.step.fields["clip_value"] = float(limit) if isinstance(limit, int | float) else None
