"""The measures of what costs time or memory: such findings are not judged by the loss."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trainadvisor.verify.metrics import Measure, figure

if TYPE_CHECKING:
    from collections.abc import Callable

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
OF = {
    "data-loader-bound": ("step seconds", "waiting for data"),
    "host-sync-stalls": ("step seconds",),
    "slow-step-outliers": ("time in slow steps", "mean step seconds"),
    "small-batch-underuse": ("seconds an example",),
    "precision-underuse": ("step seconds",),
    "load-imbalance": ("step seconds",),
    "memory-growth": ("memory growth (kB a step)",),
}


def own_measures(log: RunLog, code: str | None) -> dict[str, Measure]:
    """Return the measures of a finding of throughput or memory, nothing for another finding."""
    values = {name: READERS[name](log) for name in OF.get(code or "", ())}
    return {name: Measure(name, value, higher=False) for name, value in values.items() if value is not None}
