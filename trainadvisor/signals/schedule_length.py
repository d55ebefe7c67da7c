"""How often a schedule was stepped, and for how many steps it was made."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.lr_schedule import NEEDS, main_schedulers

PLANNED = {
    "needs": "a scheduler that is made for a number of steps (CosineAnnealingLR, OneCycleLR, PolynomialLR)",
    "zh": "按步数创建的调度器（CosineAnnealingLR、OneCycleLR、PolynomialLR）",
}
LENGTHS = {"CosineAnnealingLR": "T_max", "OneCycleLR": "total_steps", "PolynomialLR": "total_iters"}
# Schedules that go up and down by plan, or by what they see.
CYCLES = frozenset({"CosineAnnealingWarmRestarts", "CyclicLR", "ReduceLROnPlateau"})
OWN = {
    "needs": "a scheduler whose length is not told (LambdaLR, LinearLR, ...)",
    "zh": "长度未知的调度器（LambdaLR、LinearLR 等）",
}
# Shares of the peak: a rate that has come to its end, and what a step of a smooth schedule changes at most.
ENDED, LEAP = 0.01, 0.2
# How far a planned length may be from what it counts.
CLOSE = 0.06


def _scheduler(log: RunLog) -> dict[str, Any] | None:
    known = [scheduler for scheduler in main_schedulers(log) if scheduler["class"] in LENGTHS]
    return known[0] if len(known) == 1 else None


@signal(unit="steps", **PLANNED)
def schedule_length(log: RunLog) -> int | None:
    """Steps of the scheduler that it was made for (T_max, total_steps, total_iters); 0 where none tells its length."""
    scheduler = _scheduler(log)
    if scheduler is None and log.schedulers:
        return 0
    length = None if scheduler is None else number(scheduler["facts"].get(LENGTHS[scheduler["class"]]))
    return int(length) if length and length > 0 else None


@signal(unit="steps", **PLANNED)
def schedule_steps(log: RunLog) -> int | None:
    """Calls of scheduler.step() of the scheduler that is made for a number of steps."""
    scheduler, counts = _scheduler(log), log.tally.get("scheduler_steps")
    if scheduler is None or not isinstance(counts, dict):
        return None
    return whole(counts.get(str(scheduler["id"]))) or 0


@signal(unit="ratio", **PLANNED)
def schedule_ratio(log: RunLog) -> float | None:
    """Steps that the scheduler was given over those that it was made for: 1 = it came to its end."""
    length, steps = schedule_length(log), schedule_steps(log)
    return steps / length if length and steps is not None else None


@signal(unit="", **PLANNED)
def schedule_unit(log: RunLog) -> str | None:
    """What the schedule was made for, by its length: "epochs", "steps" or "micro-batches" of this run; absent if none.

    A run that ended early says nothing: its schedule fits none of them.
    """
    length = schedule_length(log)
    if length is None:
        return None
    counts = {"epochs": _epochs(log), "steps": number(log.tally.get("step")),
              "micro-batches": number(log.tally.get("backward"))}  # fmt: skip
    fitting = [name for name, count in counts.items() if count and abs(count - length) <= max(1.0, CLOSE * length)]
    return fitting[0] if fitting else None


@signal(unit="ratio", **OWN)
def steps_per_update(log: RunLog) -> float:
    """Scheduler steps over updates of a schedule without a told length, where that is the micro-batches of an update.

    1 where it is anything else.
    """
    known = [s for s in main_schedulers(log) if s["class"] not in LENGTHS and s["class"] not in CYCLES]
    counts, updates = log.tally.get("scheduler_steps"), number(log.tally.get("step"))
    if len(known) != 1 or not isinstance(counts, dict) or not updates:
        return 1.0
    found = (number(counts.get(str(known[0]["id"]))) or 0.0) / updates
    micro = log.column("micro")  # the last update of an epoch may have fewer
    parts = float(np.nanmean(micro)) if np.isfinite(micro).any() else number(log.tally.get("accumulation")) or 1.0
    return found if parts > 1 and abs(found - parts) <= CLOSE * parts else 1.0


@signal(unit="share of the peak", **NEEDS)
def lr_regained(log: RunLog) -> float:
    """How far the learning rate climbs again, without a leap, after it had fallen below a hundredth of its peak."""
    rates = log.lr[np.isfinite(log.lr)]
    if not rates.size or rates.max() <= 0:
        return 0.0
    shares = rates / rates.max()
    top = int(np.argmax(shares))
    ended = np.flatnonzero(shares[top:] < ENDED)
    later = shares[top + int(ended[0]) :] if ended.size else shares[:0]
    smooth = later.size > 1 and float(np.diff(later).max()) < LEAP
    return float(later.max()) if smooth else 0.0


def _epochs(log: RunLog) -> float | None:
    """Return the passes over the training loader; without one, after how many different steps was evaluated."""
    epochs = log.column("epoch")
    known = epochs[np.isfinite(epochs)]
    if known.size:
        return float(known.max()) + 1
    steps = {record["step"] for record in log.evals}
    return float(len(steps)) or None
