"""Measures of time and memory, for findings that cannot be judged by the loss."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainadvisor.verify.metrics import Measure, figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trainadvisor.log.reader import RunLog


def seconds_an_example(log: RunLog) -> float | None:
    """Return the median time of a step over the median batch."""
    import numpy as np

    seconds, batches = figure(log, "step_seconds"), log.column("batch")
    known = batches[np.isfinite(batches)]
    return seconds / float(np.median(known)) if seconds is not None and known.size and np.median(known) else None


def mean_step_seconds(log: RunLog) -> float | None:
    """Return the mean time of a step, so that the slow ones count."""
    import numpy as np

    total, seconds = figure(log, "stepping_seconds"), log.column("seconds")
    count = int(np.isfinite(seconds).sum())
    return total / count if total and count else None


READERS: dict[str, Callable[[RunLog], float | None]] = {
    "step seconds": partial(figure, name="step_seconds"),
    "waiting for data": partial(figure, name="wait_share"),
    "time in slow steps": partial(figure, name="slow_step_share"),
    "mean step seconds": mean_step_seconds,
    "seconds an example": seconds_an_example,
    "memory growth (kB a step)": partial(figure, name="memory_per_step"),
}


def own_measures(log: RunLog, names: Iterable[str]) -> dict[str, Measure]:
    """Return the measures that a rule of throughput or memory names."""
    values = {name: READERS[name](log) for name in names if name in READERS}
    return {name: Measure(name, value, higher=False) for name, value in values.items() if value is not None}
