"""Robust statistics of one-dimensional series, shared by all families of signals (numpy only, independent of logs)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # MAD of a normal distribution is sigma / 1.4826
MEDIAN_EFFICIENCY = 1.2533  # a median scatters sqrt(pi / 2) times as much as a mean
FEW = 500  # values that are sorted faster than numpy's median begins
ROWS = 1 << 15  # windows that are sorted at a time


class Spike(NamedTuple):
    """An excursion of a series: first index, one past the last, height above the level before it."""

    start: int
    stop: int
    height: float


def finite(values: Series) -> Series:
    """Only the finite values, in order."""
    return values[np.isfinite(values)]


def finite_prefix(values: Series) -> Series:
    """The values before the first NaN or infinity."""
    bad = ~np.isfinite(values)
    return values[: int(np.argmax(bad))] if bad.any() else values


def robust_scale(values: Series) -> float:
    """Standard deviation estimated as 1.4826 times the median absolute deviation."""
    return MAD_TO_SIGMA * median(np.abs(values - median(values))) if values.size else 0.0


def step_noise(values: Series) -> float:
    """Standard deviation of the step-to-step noise, free of any smooth trend (from second differences)."""
    if values.size < 3:
        return 0.0
    return float(MAD_TO_SIGMA * median(np.abs(np.diff(values, 2))) / np.sqrt(6.0))


def lag_one(values: Series) -> float:
    """Lag-1 autocorrelation, 0 for a series too short or constant."""
    if values.size < 4 or np.ptp(values) == 0:
        return 0.0
    centered = values - values.mean()
    return float(np.dot(centered[1:], centered[:-1]) / np.dot(centered, centered))


def effective_count(count: int, correlation: float) -> float:
    """Number of independent values equivalent to `count` with this lag-1 correlation: n (1 - rho) / (1 + rho)."""
    rho = min(max(correlation, 0.0), 0.99)
    return max(count * (1 - rho) / (1 + rho), 1.0)


def head(values: Series, share: float, least: int) -> Series:
    """The first `share` of a series, at least `least` values if available."""
    return values[: max(round(values.size * share), least)]


def tail(values: Series, share: float, least: int) -> Series:
    """The last `share` of a series, at least `least` values if available."""
    return values[-max(round(values.size * share), least) :]


def block_edges(count: int, blocks: int) -> NDArray[np.int64]:
    """Edges that cut `count` values into at most `blocks` nearly equal blocks."""
    return np.linspace(0, count, max(min(blocks, count), 1) + 1).round().astype(np.int64)


def median(values: Series | Sequence[float]) -> float:
    """Median of a series, nan where one is among its values; numpy's own takes ten times as long for a short one."""
    values = np.asarray(values)
    size, half = values.size, values.size // 2
    if not size:
        return float("nan")
    if size <= FEW:
        ordered = np.sort(values)
        last = ordered[-1]
    else:
        ordered = np.partition(values, (half - 1, half, size - 1))
        last = ordered[-1]
    if np.isnan(last):  # which comes last
        return float(last)
    return float(ordered[half] if size % 2 else (ordered[half - 1] + ordered[half]) / 2)


def medians(rows: NDArray[np.float64]) -> Series:
    """Median of each row of a table, nan where one is among its values."""
    ordered, half = np.sort(rows, axis=1), rows.shape[1] // 2
    middle = ordered[:, half] if rows.shape[1] % 2 else (ordered[:, half - 1] + ordered[:, half]) / 2
    return np.asarray(np.where(np.isnan(ordered[:, -1]), np.nan, middle), dtype=np.float64)


def quantiles(values: Series, shares: Sequence[float]) -> list[float]:
    """Values below which these shares of a series lie, between two of its values as numpy has it."""
    ordered = np.sort(values)
    if np.isnan(ordered[-1]):
        return [float("nan")] * len(shares)
    found = []
    for share in shares:
        place = share * (ordered.size - 1)
        low, part = int(place), place - int(place)
        below, above = float(ordered[low]), float(ordered[min(low + 1, ordered.size - 1)])
        found.append(above - (above - below) * (1 - part) if part >= 0.5 else below + (above - below) * part)
    return found


def block_medians(values: Series, blocks: int) -> Series:
    """Median of each of `blocks` nearly equal consecutive blocks."""
    edges = block_edges(values.size, blocks)
    return np.array([median(values[a:b]) for a, b in pairwise(edges)])


def block_means(values: Series, blocks: int) -> Series:
    """Mean of each of `blocks` nearly equal consecutive blocks."""
    if values.size == 0:
        return values
    edges = block_edges(values.size, blocks)
    return np.asarray(np.add.reduceat(values, edges[:-1]) / np.diff(edges), dtype=np.float64)


def level(values: Series) -> float:
    """Level of a noisy stretch: median of means of tens, because a plain median misses the tail of a skewed loss."""
    return median(block_means(values, max(values.size // 10, 1)))


def levels(values: Series, blocks: int = 50, least: int = 5) -> Series:
    """Means of at most `blocks` consecutive blocks of at least `least` values: the curve without its step noise."""
    return block_means(values, max(min(blocks, values.size // least), 1))


def block_centers(count: int, blocks: int) -> Series:
    """Positions (in values) of the centers of the blocks."""
    edges = block_edges(count, blocks)
    return np.asarray((edges[:-1] + edges[1:] - 1) / 2, dtype=np.float64)


def theil_sen(values: Series) -> float:
    """Median slope over all pairs, per value; meant for at most a few hundred values."""
    if values.size < 2:
        return 0.0
    i, j = np.triu_indices(values.size, 1)
    return median((values[j] - values[i]) / (j - i))


def detrended(values: Series) -> Series:
    """The series less its Theil-Sen line and median."""
    rest = values - theil_sen(values) * np.arange(values.size)
    return np.asarray(rest - median(rest), dtype=np.float64)


def trend_z(values: Series, blocks: int = 24) -> float:
    """Significance of a linear trend in standard errors, positive when the series rises.

    Theil-Sen slope of block medians, with the residual scale as noise and the residuals' lag-1 correlation in n_eff.
    """
    points = block_medians(values, blocks)
    if points.size < 5:
        return 0.0
    slope, rest = theil_sen(points), detrended(points)
    scale = max(robust_scale(rest), 1e-12 * float(np.max(np.abs(points))), 1e-300)
    shrink = np.sqrt(effective_count(points.size, lag_one(rest)))
    return float(np.clip(slope * np.std(np.arange(points.size)) * shrink / scale, -1e6, 1e6))


def shift_z(before: Series, after: Series, noise: float | None = None) -> float:
    """How far the median moved from one window to the next, in standard errors; positive when it rose."""
    if before.size < 2 or after.size < 2:
        return 0.0
    scale = np.hypot(robust_scale(before), robust_scale(after)) / np.sqrt(2) if noise is None else noise
    counts = [effective_count(w.size, lag_one(w)) for w in (before, after)]
    error = MEDIAN_EFFICIENCY * scale * np.sqrt(1 / counts[0] + 1 / counts[1])
    floor = 1e-12 * max(float(np.max(np.abs(before))), float(np.max(np.abs(after))), 1e-288)
    return float(np.clip((median(after) - median(before)) / max(error, floor), -1e6, 1e6))


def turn_share(values: Series) -> float:
    """Share of inner points at which the direction changes: 0 for a monotone curve, 2/3 for noise, 1 for a zigzag."""
    moves = np.sign(np.diff(values))
    return float(np.mean(moves[1:] * moves[:-1] < 0)) if moves.size > 1 else 0.0


def running_median(values: Series, width: int) -> Series:
    """Median of the last `width` values at each position (fewer at the start)."""
    if values.size == 0 or width <= 1:
        return values
    windows = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.full(width - 1, values[0]), values]), width)
    # sorting copies the windows, which are many times the series
    return np.concatenate([medians(windows[start : start + ROWS]) for start in range(0, len(windows), ROWS)])


def smoothed(values: Series, blocks: int = 50, least: int = 5) -> tuple[Series, Series]:
    """Block medians of at least `least` values each, and the positions of their centers."""
    count = max(min(blocks, values.size // least), 1)
    return block_medians(values, count), block_centers(values.size, count)


def local_level(values: Series, blocks: int = 50) -> tuple[Series, Series]:
    """Level and scale around each value, interpolated between block medians."""
    levels, centers = smoothed(values, blocks, least=30)
    places = np.arange(values.size)
    level = np.interp(places, centers, levels)
    spread = block_medians(np.abs(values - level), levels.size) * MAD_TO_SIGMA
    return level, np.interp(places, centers, spread)


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and stop of each run of True values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def spikes(values: Series, sigmas: float, floor: float, skip: int = 0) -> list[Spike]:
    """Runs that exceed their local level by both `sigmas` local scales and `floor`, from index `skip` on."""
    if values.size < 20:
        return []
    level, scale = local_level(values)
    high = values > level + np.maximum(sigmas * scale, floor)
    high[:skip] = False
    return [Spike(a, b, float(np.max(values[a:b] - level[a:b]))) for a, b in runs_of(high)]
