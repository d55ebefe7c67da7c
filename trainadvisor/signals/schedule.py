"""The learning rate over the run."""

from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import typical

NEEDS = {"needs": "the learning rate of each step", "zh": "每一步的学习率"}
SCHEDULERS = {"needs": "the learning-rate scheduler", "zh": "学习率调度器"}
SPENT = 1e-3  # the share of the peak below which a rate moves nothing any more


def _rates(log: RunLog) -> Floats:
    rates = log.lr
    return np.asarray(rates[np.isfinite(rates)], dtype=np.float64)


@signal(unit="", **NEEDS)
def lr_first(log: RunLog) -> float | None:
    """Learning rate of the first step (the largest of the parameter groups)."""
    rates = _rates(log)
    return float(rates[0]) if rates.size else None


@signal(unit="", **NEEDS)
def lr_peak(log: RunLog) -> float | None:
    """Largest learning rate of the run."""
    rates = _rates(log)
    return float(rates.max()) if rates.size else None


@signal(unit="", **NEEDS)
def lr_final(log: RunLog) -> float | None:
    """Learning rate of the last step."""
    rates = _rates(log)
    return float(rates[-1]) if rates.size else None


@signal(unit="", **NEEDS)
def lr_median(log: RunLog) -> float | None:
    """Median learning rate of the run."""
    return typical(_rates(log))


@signal(unit="share of the run", **NEEDS)
def lr_spent_share(log: RunLog) -> float | None:
    """Share of the steps, up to the end, in which the learning rate stays below a thousandth of its peak."""
    rates = _rates(log)
    if not rates.size or rates.max() <= 0:
        return None
    alive = np.flatnonzero(rates >= SPENT * rates.max())
    return 1 - float(alive[-1] + 1) / rates.size


@signal(unit="step", **NEEDS)
def lr_spent_step(log: RunLog) -> int | None:
    """First step from which on the learning rate stays below a thousandth of its peak."""
    share = lr_spent_share(log)
    place = None if not share else round((1 - share) * _rates(log).size)
    return None if place is None or place >= log.steps.size else int(log.steps[place])


@signal(unit="share of the run", **NEEDS)
def lr_rising_share(log: RunLog) -> float | None:
    """Share of the run before the learning rate first falls, when it starts below its peak; 0 when it never rises."""
    rates = _rates(log)
    if rates.size < 2 or rates[0] >= rates.max():
        return 0.0 if rates.size else None
    falls = np.flatnonzero(np.diff(rates) < 0)
    top = int(np.argmax(rates)) if not falls.size else int(falls[0])
    return min(top, int(np.argmax(rates))) / (rates.size - 1)


@signal(unit="", needs="the optimizer's settings", zh="优化器的设置")
def lr_target(log: RunLog) -> float | None:
    """Learning rate the schedule is built around: the largest initial or configured rate of the parameter groups."""
    groups = [group for optimizer in _optimizers(log) for group in optimizer["groups"]]
    rates = [group.get(key) for group in groups for key in ("max_lr", "initial_lr", "lr")]
    numbers = [rate for rate in rates if isinstance(rate, (int, float)) and not isinstance(rate, bool)]
    return float(max(numbers)) if numbers else None


def _optimizers(log: RunLog) -> list[dict[str, Any]]:
    used = log.stage.optimizers
    return [optimizer for optimizer in log.optimizers if not used or optimizer["id"] in used]


def _schedulers(log: RunLog) -> list[dict[str, Any]]:
    used = log.stage.optimizers
    return [s for s in log.schedulers if not used or s.get("optimizer") is None or s["optimizer"] in used]


@signal(unit="", **SCHEDULERS)
def scheduler_class(log: RunLog) -> str | None:
    """Class of the last scheduler made for an optimizer of the run, "none" without one."""
    if log.header.get("source", "recorder") != "recorder":
        return None
    known = _schedulers(log)
    return str(known[-1]["class"]) if known else "none"


@signal(unit="optimizer steps", **SCHEDULERS)
def scheduler_interval(log: RunLog) -> float | None:
    """Optimizer steps between two steps of the scheduler: 1 = stepped every batch."""
    counts = log.tally.get("scheduler_steps")
    known = [str(s["id"]) for s in _schedulers(log)]
    calls = [counts[key] for key in known if isinstance(counts, dict) and counts.get(key)]
    return log.steps.size / max(calls) if calls and log.steps.size else None


@signal(unit="optimizer steps", needs="the epoch of each step", zh="每一步所属的轮次")
def steps_per_epoch(log: RunLog) -> float | None:
    """Optimizer steps of one epoch, from the epochs or else from the training loader's length."""
    epochs = log.column("epoch")
    epochs = epochs[np.isfinite(epochs)]
    if epochs.size and epochs[-1] > epochs[0]:
        return float(np.sum(epochs < epochs[-1]) / (epochs[-1] - epochs[0]))
    lengths = [loader.get("batches") for loader in log.loaders if loader["role"] != "eval"]
    sound = [length for length in lengths if isinstance(length, int) and length > 0]
    return float(max(sound)) if sound else None
