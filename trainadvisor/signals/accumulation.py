"""Several backward passes for each step, and the scaling of losses in mixed precision."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.robust_statistics import median
from trainadvisor.signals.wiring import CALLS, count, share

SCALER = {"needs": "gradient clipping together with a GradScaler", "zh": "梯度裁剪与 GradScaler 同时使用"}
PASSES = {"needs": "gradient accumulation", "zh": "梯度累积"}


@signal(unit="micro-batches", **CALLS, about="no-accumulation")
def accumulation(log: RunLog) -> int | None:
    """Micro-batches whose gradients are added for most optimizer steps; the last of an epoch may have fewer."""
    micro, told = log.column("micro"), count(log, "accumulation")
    known = micro[np.isfinite(micro)]
    if told is None or not known.size or any(optimizer.get("class") == "LBFGS" for optimizer in log.optimizers):
        return None if told is None else int(told)  # closures run backward passes of one and the same step
    return max(int(median(known)), 1)


@signal(unit="truth", **PASSES)
def accumulation_divided(log: RunLog) -> bool | None:
    """Whether the loss of each micro-batch was divided by their number before backward()."""
    divided = log.tally.get("accumulation_divided")
    by_one = any(event.get("kind") == "divided-by-one" for event in log.events)
    return None if divided is None else bool(divided) and not by_one


@signal(unit="share", **PASSES)
def accumulation_cleared_share(log: RunLog) -> float | None:
    """Share of the backward passes whose gradients were cleared before those of the next batch were computed."""
    return share(count(log, "cleared_backwards"), count(log, "backward"))


@signal(unit="share", **PASSES, about="no-accumulation")
def accumulated_step_share(log: RunLog) -> float | None:
    """Share of the optimizer steps that follow several backward passes."""
    return share(count(log, "accumulated_steps"), count(log, "step"))


@signal(unit="share", **SCALER, about="no-scaler")
def clip_before_unscale_share(log: RunLog) -> float | None:
    """Share of the clipping calls that came before scaler.unscale_() and so saw scaled gradients."""
    return share(count(log, "clip_before_unscale"), count(log, "clip_calls"))


@signal(unit="calls", **SCALER, about="no-clipping")
def clips_before_unscale(log: RunLog) -> int | None:
    """Number of clipping calls that saw gradients still multiplied by the loss scale."""
    calls = count(log, "clip_before_unscale")
    return None if calls is None else int(calls)


@signal(unit="factor", **SCALER)
def scale_median(log: RunLog) -> float | None:
    """Median loss scale of the GradScaler."""
    scales = log.column("scale")
    known = scales[np.isfinite(scales)]
    return median(known) if known.size else None
