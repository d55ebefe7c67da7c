"""A part of a loss whose outputs run up to 1 and never beyond, though its targets lie there."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import imported
from trainadvisor.signals.losses import REGRESSING, training_losses

PARTS = {"needs": "the outputs and targets of regression losses", "zh": "回归损失的输出与目标"}
# Batches over which an output that is free to do so would have left the interval from 0 to 1.
_BATCHES = 16
# How close to 1 outputs come that push against it.
_CLOSE = 0.02


def _capped(log: RunLog) -> dict[str, Any] | None:
    """Return the loss whose outputs push against 1 from below, with the largest share of targets above."""
    if imported(log):
        return None
    found = [loss for loss in training_losses(log) if loss["kind"] in REGRESSING and _pushes(loss["prediction"])]
    return max(found, key=lambda loss: number(loss["target"].get("above_one_share")) or 0.0, default=None)


def _pushes(seen: dict[str, Any]) -> bool:
    largest = number(seen.get("max"))
    long = (number(seen.get("batches")) or 0) >= _BATCHES
    return long and bool(seen.get("in_unit_interval")) and largest is not None and 1 - _CLOSE <= largest <= 1


@signal(unit="share", **PARTS)
def capped_target_share(log: RunLog) -> float | None:
    """Share of the targets above 1 in a loss whose outputs came up to 1 and never passed it; 0 for other losses."""
    if imported(log):
        return None
    loss = _capped(log)
    return (number(loss["target"].get("above_one_share")) or 0.0) if loss else 0.0


@signal(unit="word", **PARTS)
def capped_loss(log: RunLog) -> str | None:
    """Kind of the loss whose outputs came up to 1 and never passed it."""
    loss = _capped(log)
    return str(loss["kind"]) if loss else None


@signal(unit="target", **PARTS)
def capped_target_max(log: RunLog) -> float | None:
    """Largest target of the loss whose outputs came up to 1 and never passed it."""
    loss = _capped(log)
    return number(loss["target"].get("max")) if loss else None
