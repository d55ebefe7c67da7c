"""How often a schedule was stepped, and for how many steps it was made."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.lr_schedule import main_schedulers

PLANNED = {
    "needs": "a scheduler that is made for a number of steps (CosineAnnealingLR, OneCycleLR, PolynomialLR)",
    "zh": "按步数创建的调度器（CosineAnnealingLR、OneCycleLR、PolynomialLR）",
}
LENGTHS = {"CosineAnnealingLR": "T_max", "OneCycleLR": "total_steps", "PolynomialLR": "total_iters"}
# How far a planned length may be from what it counts.
CLOSE = 0.06


def _scheduler(log: RunLog) -> dict[str, Any] | None:
    known = [scheduler for scheduler in main_schedulers(log) if scheduler["class"] in LENGTHS]
    return known[0] if len(known) == 1 else None


@signal(unit="steps", **PLANNED)
def schedule_length(log: RunLog) -> int | None:
    """Steps of the scheduler that it was made for (T_max, total_steps, total_iters)."""
    scheduler = _scheduler(log)
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


def _epochs(log: RunLog) -> float | None:
    """Return the passes over the training loader; without one, after how many different steps was evaluated."""
    epochs = log.column("epoch")
    known = epochs[np.isfinite(epochs)]
    if known.size:
        return float(known.max()) + 1
    steps = {record["step"] for record in log.evals}
    return float(len(steps)) or None
