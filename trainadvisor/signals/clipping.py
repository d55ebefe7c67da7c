"""Gradient clipping as the training itself does it."""

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import typical

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


@signal(unit="share of the steps", **NEEDS)
def clip_share(log: RunLog) -> float | None:
    """Share of the clipping steps at which the gradient norm was above the limit, from a tenth of the run on."""
    known = _coefficients(log)
    rest = known[known.size // 10 :]
    return float(np.mean(rest < 1)) if rest.size else None


@signal(unit="ratio", **NEEDS)
def clip_coefficient(log: RunLog) -> float | None:
    """Median factor that clipping leaves of the gradient, from a tenth of the run on: 1 = nothing was cut."""
    known = _coefficients(log)
    return typical(known[known.size // 10 :])


@signal(unit="norm", **NEEDS)
def clip_max(log: RunLog) -> float | None:
    """Median limit that gradients are clipped to."""
    return typical(log.column("clip_max"))
