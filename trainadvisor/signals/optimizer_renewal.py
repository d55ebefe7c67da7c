"""Optimizers that one line makes again and again for the same weights, each without the memory of the one before."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import typical

RENEWED = {
    "needs": "a run with trainadvisor run, in which one line made several optimizers",
    "zh": "用 trainadvisor run 运行，且同一行代码创建了多个优化器",
}
# Steps before a renewal whose typical loss the first one after it is compared with.
BEFORE = 10


def _renewal(log: RunLog) -> dict[str, Any] | None:
    """Return what is known of the line whose optimizers of the main phase forgot most often."""
    latest = {
        event["detail"].get("first"): event["detail"]
        for event in log.events
        if event["kind"] == "optimizer-anew" and event["detail"].get("optimizer") in log.phase.optimizers
    }
    return max(latest.values(), key=lambda detail: number(detail.get("forgetful")) or 0.0, default=None)


@signal(unit="optimizers", needs="a run with trainadvisor run", zh="用 trainadvisor run 运行")
def renewed_optimizers(log: RunLog) -> int | None:
    """Optimizers that one line made anew for the same weights, as the last one left them, without its moments."""
    if log.header.get("source", "recorder") != "recorder" or not log.optimizers:
        return None
    return whole((_renewal(log) or {}).get("forgetful")) or 0


@signal(unit="steps", **RENEWED)
def renewal_steps(log: RunLog) -> float | None:
    """Steps, on average, of each optimizer that one line made anew for the same weights."""
    detail = _renewal(log) or {}
    made, steps = number(detail.get("made")), number(detail.get("steps"))
    return steps / made if made and steps is not None else None


@signal(unit="passes", **RENEWED)
def renewal_epochs(log: RunLog) -> float | None:
    """Passes over the training loader, on average, of each optimizer that one line made anew for the same weights."""
    epochs, steps = log.column("epoch"), renewal_steps(log)
    known = epochs[np.isfinite(epochs)]
    if steps is None or not known.size:
        return None
    return float((np.ptp(known) + 1) * steps / epochs.size)


@signal(unit="ratio", **RENEWED)
def renewal_loss_ratio(log: RunLog) -> float | None:
    """Loss of the first batch under a new optimizer over that of the steps before, in the middle: 1 = the same data."""
    firsts = (_renewal(log) or {}).get("firsts") or []
    losses, places = log.column("loss"), np.searchsorted(log.steps, firsts)
    found = [
        losses[place] / before
        for place, first in zip(places, firsts, strict=True)
        if 0 < place < losses.size
        and log.steps[place] == first
        and (before := typical(losses[max(0, place - BEFORE) : place]))
    ]
    return typical(np.array(found, dtype=np.float64))


@signal(unit="truth", **RENEWED)
def renewal_one_loader(log: RunLog) -> bool:
    """Whether all of them drew from one loader of a data set that stays: a new task would come with one of its own."""
    loaders = [loader for loader in log.loaders if loader["role"] == "train"]
    return len(loaders) == 1 and loaders[0].get("iterable") is False
