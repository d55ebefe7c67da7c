"""Downsampling that keeps the look of a curve: the minimum and maximum of each stretch, so that no spike is lost."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.columns import Floats, Ints

Places = npt.NDArray[np.intp]
Numbers = list[float | None]
Line = dict[str, Any]
DIGITS = 4


def rounded(values: Floats, digits: int = DIGITS) -> Numbers:
    """Return numbers rounded to a few significant digits; None stands for non-finite values."""
    return [None if not math.isfinite(value) else float(f"{value:.{digits}g}") for value in values.tolist()]


def kept(values: Floats, points: int) -> Places:
    """Return the indices to keep: the first, the last, and the extremes of each of `points` / 2 stretches."""
    count = values.size
    if count <= points:
        return np.arange(count)
    width = math.ceil(count / (points // 2 - 1))
    rows = math.ceil(count / width)
    finite = np.isfinite(values)
    low = _stretches(np.where(finite, values, np.inf), rows, width, np.inf).argmin(axis=1)
    high = _stretches(np.where(finite, values, -np.inf), rows, width, -np.inf).argmax(axis=1)
    starts = np.arange(rows) * width
    places = np.unique(np.concatenate([[0], starts + low, starts + high, [count - 1]]))
    return places[places < count]


def _stretches(values: Floats, rows: int, width: int, filler: float) -> Floats:
    filled: Floats = np.full(rows * width, filler)
    filled[: values.size] = values
    return filled.reshape(rows, width)


def line(steps: Ints, values: Floats, points: int) -> Line | None:
    """Return x and y of a curve, and the means of its stretches where points were dropped; None without any value."""
    known = np.isfinite(values)
    if not known.any():
        return None
    if known.mean() < 0.5:  # noqa: PLR2004 - sparse: a step without a value is not a gap in the curve
        steps, values = steps[known], values[known]
    places = kept(values, points)
    drawn = {"x": steps[places].tolist(), "y": rounded(values[places])}
    return drawn if places.size == values.size else {**drawn, "mean": _means(steps, values, points)}


def _means(steps: Ints, values: Floats, points: int) -> Line:
    """Return the mean of each stretch, placed at its center."""
    width = math.ceil(values.size / (points // 2))
    starts = np.arange(0, values.size, width)
    finite = np.isfinite(values)
    counts = np.add.reduceat(finite.astype(np.float64), starts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        means = np.add.reduceat(np.where(finite, values, 0.0), starts) / counts
    middles = np.minimum(starts + width // 2, values.size - 1)
    return {"x": steps[middles].tolist(), "y": rounded(means)}


def thinned(items: list[Any], most: int) -> list[Any]:
    """Return at most `most` items, evenly spaced."""
    if len(items) <= most:
        return items
    return [items[place] for place in np.linspace(0, len(items) - 1, most).astype(int).tolist()]
