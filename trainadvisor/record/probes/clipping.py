"""Probe: what the user's own gradient clipping saw; its norm is exact and costs nothing."""

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class ClippingProbe:
    """Takes norm and threshold from the clipping calls."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder

    def on_clip_grad_norm_(self, args: tuple[Any, ...], kwargs: dict[str, Any], norm: object) -> None:
        """Note the norm before clipping and the threshold."""
        iteration = self._recorder.iteration
        if not iteration.micro or iteration.done:
            return  # of another training
        limit = args[1] if len(args) > 1 else kwargs.get("max_norm")
        iteration.fields["clip_max"] = float(limit) if isinstance(limit, int | float) else None
        if isinstance(norm, torch.Tensor):
            fields = iteration.fields
            iteration.expect(self._recorder.values.read(norm), lambda values: fields.update(clip_norm=values[0]))

    def on_clip_grad_value_(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Note the limit of element-wise clipping."""
        limit = args[1] if len(args) > 1 else kwargs.get("clip_value")
        self._recorder.iteration.fields["clip_value"] = float(limit) if isinstance(limit, int | float) else None
