"""Gradient clipping as the training itself does it."""

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import typical
from trainadvisor.signals.wiring import CALLS, count, share

NEEDS = {"needs": "clipping by norm in the training loop", "zh": "训练循环中按范数裁剪梯度"}


def _coefficients(log: RunLog) -> Floats:
    """Return min(1, clip norm over gradient norm) of the steps that clipped by norm."""
    norm, limit = log.column("clip_norm"), log.column("clip_max")
    known = np.isfinite(norm) & np.isfinite(limit) & (limit > 0)
    return np.asarray(np.minimum(1.0, limit[known] / np.maximum(norm[known], 1e-30)), dtype=np.float64)


@signal(unit="", needs="the training loop", zh="训练循环")
def clips(log: RunLog) -> bool | None:
    """Whether the training clips gradients, by norm or by value."""
    if not log.steps.size or log.header.get("source", "recorder") != "recorder":
        return None
    return bool(np.isfinite(log.column("clip_max")).any() or np.isfinite(log.column("clip_value")).any())


@signal(unit="share of the steps", **NEEDS, about="no-clipping")
def clip_share(log: RunLog) -> float | None:
    """Share of the clipping steps at which the gradient norm was above the limit, from a tenth of the run on."""
    known = _coefficients(log)
    rest = known[known.size // 10 :]
    return float(np.mean(rest < 1)) if rest.size else None


@signal(unit="ratio", **NEEDS, about="no-clipping")
def clip_coefficient(log: RunLog) -> float | None:
    """Median factor that clipping leaves of the gradient, from a tenth of the run on: 1 = nothing was cut."""
    known = _coefficients(log)
    return typical(known[known.size // 10 :])


@signal(unit="norm", **NEEDS)
def clip_max(log: RunLog) -> float | None:
    """Median limit that gradients are clipped to."""
    return typical(log.column("clip_max"))


@signal(unit="calls", **CALLS, about="no-clipping")
def late_clips(log: RunLog) -> int | None:
    """Clippings that came when the optimizer had stepped, and that no other step followed before the next backward."""
    late = count(log, "clips_after_step")
    return None if late is None else int(late)


@signal(unit="share", **CALLS, about="no-clipping")
def late_clip_share(log: RunLog) -> float | None:
    """Share of the clippings that came when the optimizer had stepped; 0 where nothing is clipped."""
    late, early = count(log, "clips_after_step"), count(log, "clips_before_step")
    return None if late is None or early is None else share(late, late + early) or 0.0


@signal(unit="norm", needs="clippings behind the step", zh="位于更新之后的裁剪")
def late_clip_limit(log: RunLog) -> float | None:
    """Limit of the clippings that came when the optimizer had stepped."""
    events = (event["detail"] for event in log.events if event["kind"] == "late-clip")
    return next((limit for detail in events if (limit := number(detail.get("limit"))) is not None), None)
