"""The learning-rate range test: turns the loss along a rising rate into a suggestion.

After Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3, and the rule of thumb that came
of it: a rate is good where the loss falls fastest, and at most a tenth of that at which it is lowest.
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

# Range of the rates: below it no optimizer moves a weight visibly, above it none stays stable.
LOWEST, HIGHEST = 1e-6, 10.0
FEWEST = 20
# Share of the steps at the start whose rate is too small to matter: they give the initial level of the loss.
RESTING = 0.25
# A fall must exceed this share of the initial level, and this many standard errors.
SMALLEST_FALL, NOISE = 0.02, 3.0
PART_OF_LOWEST = 10.0
# Share of the fall after which it counts as begun: earlier slopes are noise.
BEGUN = 0.1
WINDOW = 5


@dataclass(frozen=True)
class Sweep:
    """The result of a range test; rates are None if the loss did not determine them."""

    rates: Series
    losses: Series
    smooth: Series
    start: float
    best: float
    fall: float
    suggestion: float | None
    steepest: float | None
    lowest: float
    divergence: float | None


def sweep_of(log: RunLog) -> Sweep | None:
    """Return the result of a range test from its log, None if the rate was not raised as intended."""
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
    """Return whether the loss became NaN or infinite."""
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
        before = np.flatnonzero(smooth[: best + 1] > start - BEGUN * fall)
        begun = int(before[-1]) if before.size else 0
        steepest = float(rates[begun + _steepest(smooth[begun : best + 1])])
    lowest = float(rates[best])
    suggestion = None if steepest is None else min(steepest, lowest / PART_OF_LOWEST)
    return Sweep(rates, losses, smooth, start, float(smooth[best]), fall, suggestion, steepest, lowest, divergence)


def smoothed(values: Series) -> Series:
    """Return running medians of five, then running means of five: neither one bad batch nor the end moves them far."""
    medians = np.median(_windows(values), axis=1)
    return np.asarray(np.mean(_windows(medians), axis=1))


def _windows(values: Series) -> Series:
    room = WINDOW // 2
    return np.lib.stride_tricks.sliding_window_view(np.pad(values, room, mode="edge"), WINDOW)


def _divergence(smooth: Series, start: float, error: float) -> int | None:
    """Return the index from which the loss stays at least as far above its start as its best is below it."""
    fall = start - float(np.min(smooth))
    limit = start + max(fall, SMALLEST_FALL * abs(start), NOISE * error)
    inside = np.flatnonzero(smooth <= limit)
    first = int(inside[-1]) + 1 if inside.size else 0
    return first if first < smooth.size else None


def _steepest(smooth: Series) -> int:
    """Return the index at which a falling curve falls fastest, over a geometric series of rates."""
    if smooth.size < 3:  # noqa: PLR2004 - no slope
        return smooth.size - 1
    return int(np.argmin(np.gradient(smooth)))
