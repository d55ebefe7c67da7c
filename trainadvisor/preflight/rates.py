"""The learning-rate range test: the loss along a rising rate becomes a suggestion.

After Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3: a rate is good where the loss
falls fastest, and a third of the rate at which it diverges is about the most that can be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainadvisor.signals.loss import training_loss

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

Series = NDArray[np.float64]

LOWEST, HIGHEST = 1e-6, 10.0
"""The range that the rate runs through: below, no optimizer moves a weight visibly; above, none stays stable."""
FEWEST = 20
RESTING = 0.25
"""Share of the steps, the first ones, over which the rate is too small to do anything: the level the loss starts at."""
SMALLEST_FALL, NOISE = 0.02, 3.0
"""A fall counts from this share of the start on, and from this many standard errors."""
PART_OF_DIVERGENCE = 3.0
WINDOW = 5


@dataclass(frozen=True)
class Sweep:
    """What a range test found; rates are None where the loss gave none."""

    rates: Series
    losses: Series
    smooth: Series
    start: float
    best: float
    fall: float
    suggestion: float | None
    steepest: float | None
    divergence: float | None


def sweep_of(log: RunLog) -> Sweep | None:
    """Return what the log of a range test shows, None where the rate was not raised as it should have been."""
    steps, losses = training_loss(log)
    places = np.searchsorted(log.steps, steps)
    rates = log.lr[places]
    known = np.isfinite(rates) & (rates > 0)
    rates, losses = rates[known], losses[known]
    rising = rates.size >= FEWEST and bool(np.all(np.diff(rates) > 0))
    if not rising:
        return None
    broke = training_broke(log)
    return judged(rates, losses, broke_at=float(log.lr[min(places[-1] + 1, len(log.lr) - 1)]) if broke else None)


def training_broke(log: RunLog) -> bool:
    """Say whether the loss became NaN or infinite."""
    from trainadvisor.signals.loss import broken_at

    return broken_at(log) is not None


def judged(rates: Series, losses: Series, broke_at: float | None = None) -> Sweep:
    """Find where the loss falls fastest and where it diverges; `broke_at` is the rate of the first NaN."""
    smooth = smoothed(losses)
    rest = losses[: max(int(RESTING * losses.size), WINDOW)]
    start, error = float(np.median(rest)), float(np.std(rest) / np.sqrt(WINDOW))
    end = _divergence(smooth, start, error)
    best = int(np.argmin(smooth[: end or None]))
    fall = start - float(smooth[best])
    divergence = float(rates[end]) if end is not None else broke_at
    steepest = None
    if fall > max(SMALLEST_FALL * abs(start), NOISE * error):
        steepest = float(rates[_steepest(smooth[: best + 1])])
    return Sweep(
        rates, losses, smooth, start, float(smooth[best]), fall, _suggested(steepest, divergence), steepest, divergence
    )


def smoothed(values: Series) -> Series:
    """Return running medians of five, then running means of five: neither one bad batch nor the end moves them far."""
    medians = np.median(_windows(values), axis=1)
    return np.asarray(np.mean(_windows(medians), axis=1))


def _windows(values: Series) -> Series:
    room = WINDOW // 2
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, room, mode="edge"), WINDOW)


def _divergence(smooth: Series, start: float, error: float) -> int | None:
    """Return the place from which on the loss stays as far above its start as its best is below, or farther."""
    fall = start - float(np.min(smooth))
    limit = start + max(fall, SMALLEST_FALL * abs(start), NOISE * error)
    inside = np.flatnonzero(smooth <= limit)
    first = int(inside[-1]) + 1 if inside.size else 0
    return first if first < smooth.size else None


def _steepest(smooth: Series) -> int:
    """Return where a falling curve falls fastest, over the steps of a geometric series of rates."""
    if smooth.size < 3:  # noqa: PLR2004 - no slope
        return smooth.size - 1
    return int(np.argmin(np.gradient(smooth)))


def _suggested(steepest: float | None, divergence: float | None) -> float | None:
    if steepest is None:
        return None
    return steepest if divergence is None else min(steepest, divergence / PART_OF_DIVERGENCE)
