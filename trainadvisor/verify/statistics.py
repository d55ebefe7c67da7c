"""Gains over paired seeds: their mean, an interval, and whether it is clearly more than the scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
SURE = 2.0
"""Standard errors that a mean gain must exceed."""


@dataclass(frozen=True)
class Effect:
    """The gains of one remedy over the seeds it was tried with."""

    gains: tuple[float, ...]
    mean: float
    interval: tuple[float, float] | None
    spread: float | None
    wins: int
    margin: float

    @property
    def clear(self) -> bool:
        """Say whether every pair was won and the mean gain exceeds its margin."""
        return bool(self.gains) and self.wins == len(self.gains) and self.mean > self.margin


def effect(gains: Sequence[float], noises: Sequence[float], least: float) -> Effect:
    """Return the effect of paired gains, each with the noise (standard deviation) that one such gain has by itself.

    The margin is the largest of the least gain that matters, two standard errors by the scatter over the seeds, and
    two by the noise within the runs.
    """
    values = np.asarray(gains, dtype=np.float64)
    within = math.sqrt(float(np.mean(np.square(noises)))) if len(noises) else 0.0
    spread = float(values.std(ddof=1)) if values.size > 1 else None
    error = max(spread or 0.0, within) / math.sqrt(max(values.size, 1))
    finite = bool(values.size) and bool(np.isfinite(values).all())
    return Effect(
        gains=tuple(float(value) for value in values),
        mean=float(values.mean()) if values.size else 0.0,
        interval=interval(values.tolist(), within) if finite else None,
        spread=spread,
        wins=int((values > 0).sum()),
        margin=max(least, SURE * error) if finite else least,
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
