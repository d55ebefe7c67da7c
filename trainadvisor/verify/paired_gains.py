"""Gains over paired seeds: their mean, an interval, and whether they clearly exceed the scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
# Standard errors that a mean gain must exceed.
SURE = 2.0


@dataclass(frozen=True)
class Effect:
    """The gains of one remedy over its seeds."""

    gains: tuple[float, ...]
    mean: float
    interval: tuple[float, float] | None
    spread: float | None
    wins: int
    losses: int
    # The smallest gain that matters.
    least: float
    margin: float
    # Mean gain of the pairs that were won; the others are ties, in which the run without the remedy did as well.
    won: float

    @property
    def ties(self) -> int:
        """Return the number of pairs that were neither won nor lost."""
        return len(self.gains) - self.wins - self.losses

    @property
    def clear(self) -> bool:
        """Return whether the first pair was won, none was lost, and the mean gain of the won pairs exceeds the margin.

        Ties must not dilute the gain: the mean over all pairs has to matter as well.
        """
        first = self.gains[0] > self.least
        return self.wins > 0 and not self.losses and first and self.won > self.margin and self.mean > self.least


def effect(gains: Sequence[float], noises: Sequence[float], least: float) -> Effect:
    """Return the effect of paired gains; `noises` holds the standard deviation of each gain within its runs.

    A pair is won or lost only if its gain matters. The margin is the largest of the least gain that matters, two
    standard errors by the scatter over the pairs that were won, and two by the noise within the runs.
    """
    values = np.asarray(gains, dtype=np.float64)
    won = values[values > least]
    within = math.sqrt(float(np.mean(np.square(noises)))) if len(noises) else 0.0
    scatter = float(won.std(ddof=1)) if won.size > 1 else 0.0
    error = max(scatter, within) / math.sqrt(max(won.size, 1))
    finite = bool(values.size) and bool(np.isfinite(values).all())
    return Effect(
        gains=tuple(float(value) for value in values),
        mean=float(values.mean()) if values.size else 0.0,
        interval=interval(values.tolist(), within) if finite else None,
        spread=float(values.std(ddof=1)) if values.size > 1 else None,
        wins=int(won.size),
        losses=int((values < -least).sum()),
        least=least,
        margin=max(least, SURE * error) if finite else least,
        won=float(won.mean()) if won.size else 0.0,
    )


def interval(gains: Sequence[float], within: float) -> tuple[float, float]:
    """Return the 95 % interval of the mean gain: Student's over the seeds, by the noise within a run for one pair."""
    from scipy import stats

    values = np.asarray(gains, dtype=np.float64)
    mean = float(values.mean())
    if values.size == 1:
        half = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * within
    else:
        error = float(values.std(ddof=1)) / math.sqrt(values.size)
        half = float(stats.t.ppf(0.5 + CONFIDENCE / 2, values.size - 1)) * error
    return mean - half, mean + half
