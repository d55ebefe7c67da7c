"""The shape of the training curve: trends, straightness, plateaus, swings, rises and spikes."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.loss import (
    LEAST,
    comparable,
    loss_best,
    loss_end_to_start,
    loss_final,
    loss_noise,
    loss_peak_to_start,
    loss_start,
    losses,
    opening,
    switched_at,
    training_loss,
)
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, Spike, median
from trainadvisor.signals.trivial_predictor import trivial_loss

NEEDS = {"needs": "the training loss of every step, at least 30 of them", "zh": "每一步的训练损失，至少 30 步"}
ENOUGH = 30
SPIKE_SIGMAS = 8.0
SPIKE_SHARE = 0.3
CLEAR_FALL = 5.0
SPIKE_EXAMPLES = 128
FLAT_BAND = 4.0
CHANCE = 0.05
BLOWN_UP_END = 0.98


def _long(log: RunLog) -> Series | None:
    return losses(log, ENOUGH)


@signal(unit="standard errors", **NEEDS)
def loss_trend_z(log: RunLog) -> float | None:
    """Significance of a fall over the last third: minus Theil-Sen slope of block means over its standard error."""
    values = _long(log)
    return (
        None
        if values is None
        else -robust_statistics.trend_z(robust_statistics.levels(robust_statistics.tail(values, 1 / 3, LEAST), 24, 1))
    )


@signal(unit="share", **NEEDS)
def loss_straightness(log: RunLog) -> float | None:
    """Share of the fall that happened in the second half: 0 settled, 0.5 a straight line.

    Above 0.5 the loss falls faster and faster. Absent when the loss did not fall by more than five standard errors.
    """
    values = _long(log)
    return None if values is None else straightness(values, robust_statistics.step_noise(values))


def straightness(values: Series, noise: float) -> float | None:
    """Share of the fall from the first to the last tenth that comes after the middle; None when it is within noise."""
    width = max(values.size // 10, 3)
    first, last = robust_statistics.level(values[:width]), robust_statistics.level(values[-width:])
    if first - last <= CLEAR_FALL * noise / np.sqrt(width):
        return None
    half = values.size // 2
    middle = robust_statistics.level(values[half - (width + 1) // 2 : half + (width + 1) // 2])
    # the windows are centered at 5 %, 50 % and 95 % of the run, so a straight line gives one half
    return (middle - last) / (first - last)


@signal(unit="ratio", **NEEDS)
def loss_slope_relative(log: RunLog) -> float | None:
    """Fall over the last fifth of the steps relative to the final level: 0.1 = it fell by a tenth of what is left."""
    values = _long(log)
    if values is None:
        return None
    last = robust_statistics.tail(values, 0.2, 10)
    half = last.size // 2
    before, after = robust_statistics.level(last[:half]), robust_statistics.level(last[half:])
    return 2 * (before - after) / abs(after) if after else None


@signal(unit="standard errors", **NEEDS)
def loss_rise_z(log: RunLog) -> float | None:
    """Significance of the rise from the best stretch (a tenth of the run) to the last one."""
    values = comparable(log, ENOUGH)
    if values is None:
        return None
    width = max(values.size // 10, LEAST)
    points = robust_statistics.block_means(values, values.size // width)
    start = int(np.argmin(points)) * width
    return robust_statistics.shift_z(values[start : start + width], values[-width:])


@signal(unit="share", **NEEDS)
def loss_rise_share(log: RunLog) -> float | None:
    """Share of the run, at its end, in which the smoothed loss was closer to its final than to its best level."""
    values = comparable(log, ENOUGH)
    if values is None:
        return None
    points = robust_statistics.levels(values)
    best, last = float(points.min()), float(loss_final(log))
    below = np.flatnonzero(points <= (best + last) / 2)
    return 1 - (int(below[-1]) + 1) / points.size if below.size else 1.0


@signal(unit="step", **NEEDS)
def divergence_step(log: RunLog) -> int | None:
    """Step after which the smoothed loss never returned to the middle between its best and its final level.

    For a run that ends above its first loss, the first step above that loss.
    """
    values, share = comparable(log, ENOUGH), loss_rise_share(log)
    if values is None or share is None:
        return None
    numbers = training_loss(log)[0][switched_at(log) :]
    start, peak, end = loss_start(log), loss_peak_to_start(log), loss_end_to_start(log)
    if start is not None and peak is not None and end is not None and peak > 1 and end > BLOWN_UP_END:
        return int(numbers[int(np.flatnonzero(values > start)[0])])
    return int(numbers[min(round((1 - share) * numbers.size), numbers.size - 1)])


@signal(unit="share", **NEEDS)
def loss_flat_share(log: RunLog) -> float | None:
    """Share of the run, at its end, over which the smoothed loss did not fall by more than noise explains."""
    values = _long(log)
    if values is None:
        return None
    points = robust_statistics.levels(values)
    late = robust_statistics.tail(points, 0.3, 3)
    noise = max(
        robust_statistics.step_noise(values) / np.sqrt(values.size / points.size), robust_statistics.robust_scale(late)
    )
    above = np.flatnonzero(points > median(late) + max(FLAT_BAND * noise, 0.002 * abs(median(late))))
    return 1 - (int(above[-1]) + 1) / points.size if above.size else 1.0


@signal(unit="ratio", **NEEDS)
def loss_swing(log: RunLog) -> float | None:
    """Scatter of the smoothed loss of the second half about its trend, over its level."""
    points = _late_points(log)
    level = None if points is None else abs(median(points))
    return float(np.std(robust_statistics.detrended(points))) / level if points is not None and level else None


@signal(unit="ratio", **NEEDS)
def loss_wander(log: RunLog) -> float | None:
    """Swing of the smoothed loss over what independent batches would give: 1 = batch noise alone."""
    values, points = _long(log), _late_points(log)
    if values is None or points is None:
        return None
    expected = robust_statistics.step_noise(robust_statistics.tail(values, 0.5, LEAST)) / np.sqrt(
        values.size / 2 / points.size
    )
    return float(np.std(robust_statistics.detrended(points))) / expected if expected > 0 else None


@signal(unit="share", **NEEDS)
def loss_turn_share(log: RunLog) -> float | None:
    """Share of the smoothed points of the second half at which the loss turns: 0 monotone, 2/3 noise, 1 a zigzag."""
    points = _late_points(log)
    return None if points is None else robust_statistics.turn_share(points)


def _late_points(log: RunLog) -> Series | None:
    values = losses(log, 60)
    return None if values is None else robust_statistics.levels(robust_statistics.tail(values, 0.5, LEAST), 40, 3)


@signal(unit="share", **NEEDS)
def loss_repeat_share(log: RunLog) -> float | None:
    """Share of steps whose loss is bit for bit that of the step before."""
    values = _long(log)
    return None if values is None else float(np.mean(np.diff(values) == 0))


@remembered
def lasting_spikes(log: RunLog) -> list[Spike]:
    """Spikes of three or more steps that undo SPIKE_SHARE of the fall; a hard batch affects only one step."""
    values, first, best = losses(log, 60), opening(log), loss_best(log)
    if values is None or first is None or best is None or first <= best:
        return []
    smooth = robust_statistics.running_median(values, _spike_width(log))
    found = robust_statistics.spikes(smooth, SPIKE_SIGMAS, SPIKE_SHARE * (first - best), skip=values.size // 10)
    return [spike for spike in found if spike.stop < 0.95 * values.size and not _chance(spike, values, found)]


def _chance(spike: Spike, values: Series, found: list[Spike]) -> bool:
    """Whether single steps outside the spikes are so often as high that such a sequence arises by chance."""
    outside = np.ones(values.size, dtype=bool)
    for other in found:
        outside[other.start : other.stop] = False
    height = median(values[spike.start : spike.stop])
    share = float((values[outside] >= height).mean()) if outside.any() else 0.0
    return values.size * share ** (spike.stop - spike.start) > CHANCE


def _spike_width(log: RunLog) -> int:
    """Steps of the running median: five, or as many as hold 128 examples, so that small batches do not spike."""
    sizes = robust_statistics.finite(log.column("batch"))
    batch = median(sizes) if sizes.size else SPIKE_EXAMPLES
    return max(2 * round(SPIKE_EXAMPLES / max(batch, 1.0) / 2) + 1, 5)


@signal(unit="spikes", **NEEDS)
def loss_spike_count(log: RunLog) -> int | None:
    """Lasting spikes: above 8 local deviations and 30 % of the whole fall for three steps or more, then back."""
    return None if losses(log, 60) is None else len(lasting_spikes(log))


@signal(unit="share", **NEEDS)
def loss_spike_height(log: RunLog) -> float | None:
    """Height of the largest lasting spike, as a share of the fall from the first to the best loss; 0 without one."""
    first, best, found = opening(log), loss_best(log), lasting_spikes(log)
    if losses(log, 60) is None or first is None or best is None or first <= best:
        return None
    return float(max((spike.height for spike in found), default=0.0) / (first - best))


@signal(unit="step", **NEEDS)
def loss_spike_step(log: RunLog) -> int | None:
    """Step at which the first lasting spike began."""
    found = lasting_spikes(log)
    return int(training_loss(log)[0][found[0].start]) if found else None


@signal(unit="ratio", needs="the training loss and the learning rate of every step", zh="每一步的训练损失与学习率")
def loss_spike_lr_ratio(log: RunLog) -> float | None:
    """Learning rate at the first lasting spike over the lowest of the tenth of the run before it."""
    step, rates = loss_spike_step(log), log.lr
    if step is None or not np.isfinite(rates).any():
        return None
    place = int(np.searchsorted(log.steps, step))
    before = rates[max(place - max(rates.size // 10, 5), 0) : place + 1]
    lowest = float(np.nanmin(before)) if np.isfinite(before).any() else 0.0
    return float(rates[place]) / lowest if lowest > 0 else None


@signal(
    unit="ratio",
    needs="the training loss, and the targets seen by a standard loss function",
    zh="训练损失，以及标准损失函数所见的目标值",
)
def loss_peak_ratio(log: RunLog) -> float | None:
    """Highest smoothed loss after the first tenth, over the larger of first and trivial loss."""
    values, first = _long(log), opening(log)
    if values is None or first is None:
        return None
    yardstick = max(first, trivial_loss(log) or first)
    return float(robust_statistics.levels(values[values.size // 10 :]).max()) / yardstick if yardstick > 0 else None


@signal(unit="steps", **NEEDS)
def steps_to_zero(log: RunLog) -> float | None:
    """Steps that the fall of the last third, continued in a straight line, would need to use up the final loss."""
    values, final = _long(log), loss_final(log)
    if values is None or final is None or loss_noise(log) is None:
        return None
    last = robust_statistics.tail(values, 1 / 3, LEAST)
    points = robust_statistics.levels(last, 24, 1)
    slope = robust_statistics.theil_sen(points) * points.size / last.size
    return final / -slope if slope < 0 < final else None
