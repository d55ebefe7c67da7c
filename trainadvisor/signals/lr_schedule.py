"""The learning rate over the run."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import typical
from trainadvisor.signals.optimizer import main_optimizer

NEEDS = {"needs": "the learning rate of each step", "zh": "每一步的学习率"}
SCHEDULERS = {"needs": "the learning-rate scheduler", "zh": "学习率调度器"}
SPENT = 1e-3  # share of the peak below which a rate no longer moves the weights


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
def lr_base(log: RunLog) -> float | None:
    """Learning rate that the optimizer was made with and a schedule multiplies; without schedule, that of the log."""
    optimizer = main_optimizer(log)
    groups = optimizer["groups"] if optimizer else []
    made = [rate for group in groups if (rate := number(group.get("initial_lr", group.get("lr")))) is not None]
    return max(made, default=None)


@signal(unit="", **NEEDS)
def lr_final(log: RunLog) -> float | None:
    """Learning rate of the last step."""
    rates = _rates(log)
    return float(rates[-1]) if rates.size else None


@signal(unit="", **NEEDS)
def lr_median(log: RunLog) -> float | None:
    """Median learning rate of the run."""
    return typical(_rates(log))


@signal(unit="share of the peak", **NEEDS)
def lr_mean_share(log: RunLog) -> float | None:
    """Mean learning rate of the run over its largest: 0.5 for cosine and linear decay, 1 for a constant rate."""
    rates = _rates(log)
    return float(rates.mean() / rates.max()) if rates.size and rates.max() > 0 else None


@signal(unit="share of the run", **NEEDS)
def lr_spent_share(log: RunLog) -> float | None:
    """Share of the steps, at the end of the run, in which the learning rate stays below a thousandth of its peak."""
    rates = _rates(log)
    if not rates.size or rates.max() <= 0:
        return None
    alive = np.flatnonzero(rates >= SPENT * rates.max())
    return 1 - float(alive[-1] + 1) / rates.size


@signal(unit="step", **NEEDS)
def lr_spent_step(log: RunLog) -> int | None:
    """First step from which the learning rate stays below a thousandth of its peak."""
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


@signal(unit="steps", **NEEDS)
def lr_warmup_steps(log: RunLog) -> int | None:
    """Steps over which the learning rate rises from the start; absent when it does not start with a rise."""
    share = lr_rising_share(log)
    return round(share * (_rates(log).size - 1)) if share else None


def main_schedulers(log: RunLog) -> list[dict[str, Any]]:
    """Return the schedulers of the optimizers of the main phase."""
    used = log.phase.optimizers
    return [s for s in log.schedulers if not used or s.get("optimizer") is None or s["optimizer"] in used]


@signal(unit="optimizer steps", **SCHEDULERS)
def scheduler_interval(log: RunLog) -> float | None:
    """Optimizer steps between two steps of the scheduler: 1 = stepped every batch."""
    counts = log.tally.get("scheduler_steps")
    known = [str(s["id"]) for s in main_schedulers(log)]
    calls = [counts[key] for key in known if isinstance(counts, dict) and counts.get(key)]
    return log.steps.size / max(calls) if calls and log.steps.size else None
