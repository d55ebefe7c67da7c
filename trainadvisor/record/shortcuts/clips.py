"""The shortcut of gradients that are clipped by their norm before a step."""

import math
from typing import Any

import torch

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes
from trainadvisor.record.device_readback import HostValues
from trainadvisor.record.probes.clip_order import NO_LIMIT
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now

CLIP = frozenset({"MixedPrecisionProbe", "CallOrderProbe", "ClipOrderProbe", "ClipCallProbe"})


class Clips(Parts):
    """Takes clippings between a backward and its step."""

    @veiled
    def clip_grad_norm_(self, args: tuple[Any, ...], kwargs: dict[str, Any], norm: object) -> bool:
        """Note the norm before clipping and the threshold."""
        if ident() != self._thread or looked_at() is not None or function_modes() or dispatch_modes():
            return False
        recorder, step = self._recorder, self._recorder.step
        if not step.micro or step.done or self._clipping._stepped or recorder.scale.reading is not None:
            return False
        self._cost.entered = begun = now()
        found = self.read_clip(step.number, args, kwargs, norm)
        if found is None:
            return False
        step.fields["clip_max"], step.fields["clip_norm"] = found
        self._cost.spent += now() - begun
        return True

    def read_clip(
        self, step: int, args: tuple[Any, ...], kwargs: dict[str, Any], norm: object
    ) -> tuple[float, float] | None:
        """Count a clipping of gradients that wait for a step; return threshold and norm, None of an unusual one."""
        limit: Any = args[1] if len(args) > 1 else kwargs.get("max_norm")
        if type(limit) not in (float, int) or type(norm) is not torch.Tensor or norm.ndim or norm.is_meta:
            return None
        if type(self._recorder.values) is not HostValues:
            return None
        value, jumps = norm.item(), self._clips._jumps
        if not value <= jumps._times * jumps._usual or step <= jumps._steady_after:
            return None
        jumps._usual += 0.1 * (value - jumps._usual)
        self._counts["clip_calls"] += 1
        self._counts["clips_before_step"] += math.isfinite(limit) and limit < NO_LIMIT
        return float(limit), value
