"""Probe: mixed precision: autocast, the gradient scaler's scale, its skipped steps and the order of its calls."""

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.objects.describe import tensors_in
from trainadvisor.record.step import Call, Iteration

if TYPE_CHECKING:
    from trainadvisor.record.device_readback import Reading
    from trainadvisor.record.recorder import Recorder


class PrecisionProbe:
    """Follows torch.amp."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        recorder.precision = self
        self._scaled: tuple[weakref.ref[torch.Tensor], torch.Tensor] | None = None
        self._scale: Reading | None = None
        self._unscaled = False
        self._stepped_before = 0
        self._told: set[tuple[str, bool]] = set()

    def on_scale(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> None:
        """Remember the loss that was scaled, and the scale."""
        source = args[1] if len(args) > 1 else kwargs.get("outputs")
        if isinstance(source, torch.Tensor) and isinstance(result, torch.Tensor) and args[0].is_enabled():
            self._scaled = weakref.ref(result), source
            self._scale = self._recorder.values.read(args[0]._scale)
            self._recorder.iteration.expect(self._scale, _ignore)
            self._unscaled = False

    def unscaled(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return the loss before scaling, when this is a scaled one."""
        if self._scaled is not None and self._scaled[0]() is tensor:
            return self._scaled[1]
        return tensor

    def unscaling(self) -> Callable[[], float]:
        """Return what tells, once the scale is here, what the gradients of now have to be multiplied with."""
        scale = None if self._unscaled else self._scale
        return lambda: 1.0 / scale.values[0] if scale is not None and scale.values and scale.values[0] else 1.0

    def on_unscale(self, *_: object) -> None:
        """Note that the gradients are true from here on."""
        self._unscaled = True
        self._recorder.wiring.count("unscale_calls")

    def on_clip_grad_norm_(self, *_: object) -> None:
        """Count clipping of gradients that are still scaled."""
        if self._scale is not None and not self._unscaled:
            self._recorder.wiring.count("clip_before_unscale")

    def on_scaler_step_begins(self, *_: object) -> None:
        """Remember whether an optimizer had stepped before."""
        self._stepped_before = len(self._recorder.iteration.stepped)
        self._recorder.wiring.count("scaler_steps")

    def on_step_begins(self, optimizer: torch.optim.Optimizer, _: object) -> None:
        """Take a step that a fused optimizer skips by itself: the scaler has left it the number of non-finites."""
        found = getattr(optimizer, "found_inf", None)
        if isinstance(found, torch.Tensor):
            self._recorder.iteration.expect(self._recorder.values.read(found), self._skipping(self._recorder.iteration))

    def _skipping(self, iteration: Iteration) -> Callable[[list[float]], None]:
        def arrived(values: list[float]) -> None:
            if values[0] and not iteration.skipped:
                iteration.skipped = iteration.fields["skipped"] = True
                self._recorder.wiring.count("scaler_skips")

        return arrived

    def on_scaler_step_ends(self, *_: object) -> None:
        """Note a step that the scaler skipped because of non-finite gradients."""
        iteration = self._recorder.iteration
        if self._scale is not None and len(iteration.stepped) == self._stepped_before:
            iteration.skipped = iteration.fields["skipped"] = True
            self._recorder.course.stepping()
            self._recorder.wiring.count("scaler_skips")

    @only_sampled
    def on_forward_ends(self, call: Call) -> None:
        """Tell once which precision the forward of a sampled step ran in."""
        if not (call.grad and self._recorder.iteration.sample_gradients):
            return
        device = call.model.device.type
        result = next((t for t in tensors_in(call.output) if t.is_floating_point()), None)
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else None
        if dtype is None and result is not None and result.dtype in (torch.float16, torch.bfloat16):
            dtype = result.dtype
        told = (str(dtype), self._scale is not None)
        if dtype is not None and told not in self._told:
            self._told.add(told)
            detail = {"dtype": told[0].removeprefix("torch."), "scaler": told[1]}
            self._recorder.event("amp", "", detail)

    def on_close(self, iteration: Iteration) -> None:
        """Add the scale to the step."""
        scale, self._scaled = self._scale, None
        if scale is not None:
            iteration.finally_(lambda: iteration.fields.update(scale=scale.values[0] if scale.values else None))


def _ignore(_: list[float]) -> None:
    """Take a reading that is only waited for."""
