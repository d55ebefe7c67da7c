"""Probe: mixed precision: autocast, the gradient scaler's scale, its skipped steps and the order of its calls."""

import math
from collections.abc import Callable
from typing import Any

import torch

from trainadvisor.instrument.user_attributes import attribute
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import only_sampled, unless_resting
from trainadvisor.record.objects.describe import tensors_in
from trainadvisor.record.step import Call, Step


@probe(order=30)
class MixedPrecisionProbe:
    """Follows torch.amp."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stepped_before = 0
        self._told: set[tuple[str, bool]] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest where no gradient scaler is used."""
        scales = self._context.scale.reading is not None or self._context.counts["scaler_steps"]
        return routine.step if scales else math.inf

    def on_scale(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> None:
        """Remember the loss that was scaled, and the scale."""
        source = args[1] if len(args) > 1 else kwargs.get("outputs")
        if isinstance(source, torch.Tensor) and isinstance(result, torch.Tensor) and args[0].is_enabled():
            scale = self._context.values.read(args[0]._scale)
            self._context.scale.begin(result, source, scale)
            self._context.step.expect(scale, _ignore)

    def on_unscale(self, *_: object) -> None:
        """Note that the gradients are true from here on."""
        self._context.scale.unscaled = True
        self._context.counts.add("unscale_calls")

    def on_clip_grad_norm_(self, *_: object) -> None:
        """Count clipping of gradients that are still scaled."""
        if self._context.scale.reading is not None and not self._context.scale.unscaled:
            self._context.counts.add("clip_before_unscale")

    def on_scaler_step_begins(self, *_: object) -> None:
        """Remember whether an optimizer had stepped before."""
        self._stepped_before = len(self._context.step.stepped)
        self._context.counts.add("scaler_steps")

    @unless_resting
    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Take a step that a fused optimizer skips by itself: the scaler has left it the number of non-finites."""
        found = attribute(optimizer, "found_inf")
        if isinstance(found, torch.Tensor):
            self._context.step.expect(self._context.values.read(found), self._skipping(self._context.step))

    def _skipping(self, step: Step) -> Callable[[list[float]], None]:
        def arrived(values: list[float]) -> None:
            if values[0] and not step.skipped:
                step.skipped = step.fields["skipped"] = True
                self._context.counts.add("scaler_skips")

        return arrived

    def on_scaler_step_ends(self, *_: object) -> None:
        """Note a step that the scaler skipped because of non-finite gradients."""
        step = self._context.step
        if self._context.scale.reading is not None and len(step.stepped) == self._stepped_before:
            step.skipped = step.fields["skipped"] = True
            self._context.boundaries.stepping()
            self._context.counts.add("scaler_skips")

    @only_sampled
    def on_forward_ends(self, call: Call) -> None:
        """Tell once which precision the forward of a sampled step ran in."""
        if not (call.grad and self._context.step.sample_gradients):
            return
        device = call.model.device.type
        result = next((t for t in tensors_in(call.output) if t.is_floating_point()), None)
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        if dtype is None and result is not None and result.dtype in (torch.float16, torch.bfloat16):
            dtype = result.dtype
        told = (str(dtype), self._context.scale.reading is not None)
        if dtype is not None and told not in self._told:
            self._told.add(told)
            detail = {"dtype": told[0].removeprefix("torch."), "scaler": told[1]}
            self._context.event("amp", "", detail)

    @unless_resting
    def on_close(self, step: Step) -> None:
        """Add the scale to the step."""
        scale = self._context.scale.end()
        if scale is not None:
            step.finally_(lambda: step.fields.update(scale=scale.values[0] if scale.values else None))


def _ignore(_: list[float]) -> None:
    """Take a reading that is only waited for."""
