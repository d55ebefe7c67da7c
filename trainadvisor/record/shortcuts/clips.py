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
        limit: Any = args[1] if len(args) > 1 else kwargs.get("max_norm")
        if type(limit) not in (float, int) or type(norm) is not torch.Tensor or norm.ndim or norm.is_meta:
            return False
        if type(recorder.values) is not HostValues:
            return False
        self._cost.entered = begun = now()
        value, jumps = norm.item(), self._clips._jumps
        if not value <= jumps._times * jumps._usual or step.number <= jumps._steady_after:
            return False
        jumps._usual += 0.1 * (value - jumps._usual)
        self._counts["clip_calls"] += 1
        self._counts["clips_before_step"] += math.isfinite(limit) and limit < NO_LIMIT
        step.fields["clip_max"], step.fields["clip_norm"] = float(limit), value
        self._cost.spent += now() - begun
        return True
