"""Validation against training: the minimum of the validation loss, the rise after it, the gap, the noise."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.evaluations import (
    FEW,
    SOME,
    best_place,
    late,
    low,
    skill_held_out,
    train_near,
    training_beside,
    validation,
    values_of,
)
from trainadvisor.signals.loss import opening, skill
from trainadvisor.signals.loss_shape import straightness
from trainadvisor.signals.lr_schedule import lr_spent_step
from trainadvisor.signals.robust_statistics import median
from trainadvisor.signals.trivial_predictor import examples_in, graded, learnable, skill_of

NEEDS = {"needs": "an evaluation loss of the same kind as the training loss", "zh": "与训练损失同类的验证损失"}
# Skill on validation data below which nothing has been gained that a rise could lose.
LEAST_GAIN = 0.05


@signal(unit="evaluations", **NEEDS)
def evals(log: RunLog) -> int:
    """Evaluations with a finite loss that compares with the training loss."""
    return int(validation(log)[1].size)


@signal(unit="loss", **NEEDS)
def val_loss_first(log: RunLog) -> float | None:
    """Loss of the first evaluation."""
    values = values_of(log, 1)
    return None if values is None else float(values[0])


@signal(unit="loss", **NEEDS)
def val_loss_final(log: RunLog) -> float | None:
    """Loss of the last evaluation."""
    values = values_of(log, 1)
    return None if values is None else float(values[-1])


@signal(unit="loss", **NEEDS)
def val_loss_best(log: RunLog) -> float | None:
    """Lowest loss of an evaluation."""
    values = values_of(log, 1)
    return None if values is None else float(values.min())


@signal(unit="share", **NEEDS)
def best_eval_share(log: RunLog) -> float | None:
    """Position of the best evaluation (running median of three) in the run, by steps: 1 = the last one."""
    numbers, values = validation(log)
    return float(numbers[best_place(values)] / numbers[-1]) if values.size >= FEW and numbers[-1] > 0 else None


@signal(unit="share", **NEEDS)
def best_eval_before_spent(log: RunLog) -> float | None:
    """Position of the best evaluation among those before the learning rate vanished: 1 = still improving then.

    Also 1 if there were fewer than five of these, or the rate never vanished: then nothing shows that it had settled.
    """
    (numbers, values), end = validation(log), lr_spent_step(log)
    before = values[numbers <= end] if end is not None else values[:0]
    return best_place(before) / (before.size - 1) if before.size >= SOME else 1.0


@signal(unit="step", **NEEDS)
def best_eval_step(log: RunLog) -> int | None:
    """Step of the evaluation with the lowest loss."""
    numbers, values = validation(log)
    return int(numbers[np.argmin(values)]) if values.size >= FEW else None


def _settled_step(log: RunLog) -> float | None:
    """Return the step of the best evaluation by the running median."""
    numbers, values = validation(log)
    return float(numbers[best_place(values)]) if values.size >= FEW else None


@signal(unit="evaluations", **NEEDS)
def evals_after_best(log: RunLog) -> int | None:
    """Evaluations after the best one (running median of three)."""
    values = values_of(log, FEW)
    return None if values is None else values.size - 1 - best_place(values)


@signal(unit="loss", **NEEDS)
def val_noise(log: RunLog) -> float | None:
    """Noise of one evaluation: standard deviation from second differences of the second half."""
    values = values_of(log, SOME)
    return None if values is None else robust_statistics.step_noise(robust_statistics.tail(values, 0.5, SOME))


@signal(unit="ratio", **NEEDS)
def val_relative_noise(log: RunLog) -> float | None:
    """Noise of one evaluation over the final validation loss."""
    noise, final = val_noise(log), late(log)
    return noise / abs(final) if noise is not None and final else None


@signal(unit="ratio", **NEEDS)
def val_rise(log: RunLog) -> float | None:
    """Rise of the validation loss from its best: final / best - 1; absent when a loss is not positive."""
    final, best = late(log), low(log)
    return final / best - 1 if final is not None and best is not None and best > 0 else None


@signal(unit="standard deviations", **NEEDS)
def val_rise_z(log: RunLog) -> float | None:
    """Rise of the validation loss from its best in units of the noise of one evaluation; none while the last is best.

    Where the loss falls fast, the median of the last three evaluations lies above the best one.
    """
    final, best, noise = late(log), low(log), val_noise(log)
    if final is None or best is None or noise is None:
        return None
    rise = float((final - best) / max(noise, 1e-9 * abs(best), 1e-300))
    return min(rise, 0.0 if val_loss_final(log) == val_loss_best(log) else 1e6)


@signal(unit="ratio", **NEEDS)
def val_skill_final(log: RunLog) -> float | None:
    """Skill of the final validation loss (median of three): 0 = trivial predictor, 1 = perfect."""
    return skill_held_out(log, late(log))


@signal(unit="ratio", **NEEDS)
def val_skill_best(log: RunLog) -> float | None:
    """Skill of the best validation loss (running median of three)."""
    return skill_held_out(log, low(log))


@signal(unit="ratio", **NEEDS)
def val_skill_lost(log: RunLog) -> float | None:
    """Skill that validation lost since its best: the rise in units of the trivial loss."""
    best, final = val_skill_best(log), val_skill_final(log)
    return best - final if best is not None and final is not None else None


@signal(unit="ratio", **NEEDS)
def val_train_ratio(log: RunLog) -> float | None:
    """Final validation loss over the training level just before it; absent when a loss is not positive."""
    numbers, _ = validation(log)
    final = late(log)
    train = train_near(log, numbers[-1]) if numbers.size else None
    return final / train if final is not None and train is not None and train > 0 and final > 0 else None


@signal(unit="loss", **NEEDS)
def val_train_gap(log: RunLog) -> float | None:
    """Last validation loss less the final level of the training loss, both by the example."""
    values, train = values_of(log, 1), training_beside(log)[1]
    if values is None or train.size < FEW:
        return None
    return float(values[-1]) - robust_statistics.level(robust_statistics.tail(train, 0.1, SOME))


@signal(unit="ratio", **NEEDS)
def val_train_ratio_best(log: RunLog) -> float | None:
    """Best validation loss over the training level at that time."""
    best, step = low(log), _settled_step(log)
    train = train_near(log, step) if step is not None else None
    return best / train if best is not None and train is not None and train > 0 and best > 0 else None


@signal(unit="ratio", **NEEDS)
def skill_gap(log: RunLog) -> float | None:
    """Final skill on training data less final skill on validation data."""
    train, held_out = skill(log), val_skill_final(log)
    return train - held_out if train is not None and held_out is not None else None


@signal(unit="ratio", **NEEDS)
def skill_gap_best(log: RunLog) -> float | None:
    """Training skill less validation skill at the best evaluation: large = validation was never good."""
    step = _settled_step(log)
    train = _train_skill(log, step) if step is not None else None
    held_out = val_skill_best(log)
    return train - held_out if train is not None and held_out is not None else None


def _train_skill(log: RunLog, step: float) -> float | None:
    level = train_near(log, step)
    return None if level is None else skill_of(log, level * examples_in(graded(log)[0]))


@signal(unit="ratio", **NEEDS)
def train_fall_after_best(log: RunLog) -> float | None:
    """Share of the training loss that went away after the best evaluation."""
    step, (numbers, _) = _settled_step(log), validation(log)
    if step is None:
        return None
    then, now = train_near(log, step), train_near(log, numbers[-1])
    return 1 - now / then if then is not None and now is not None and then > 0 else None


@signal(unit="share", **NEEDS)
def val_gap_share_best(log: RunLog) -> float | None:
    """Best validation loss less the training level at that time, over the trivial loss (the first loss if unknown)."""
    best, step = low(log), _settled_step(log)
    train = train_near(log, step) if step is not None else None
    return _in_trivial_losses(log, best - train if best is not None and train is not None else None)


@signal(unit="ratio", **NEEDS)
def val_swing(log: RunLog) -> float | None:
    """Scatter of the validation loss of the second half about its trend, over its level."""
    values = values_of(log, SOME)
    if values is None:
        return None
    late = robust_statistics.tail(values, 0.5, SOME)
    middle = abs(median(late))
    return float(np.std(robust_statistics.detrended(late))) / middle if middle else None


@signal(unit="standard errors", **NEEDS)
def val_trend_z(log: RunLog) -> float | None:
    """Significance of a fall of the validation loss over the second half; negative when it rises."""
    values = values_of(log, 2 * SOME)
    return None if values is None else -robust_statistics.trend_z(robust_statistics.tail(values, 0.5, SOME))


@signal(unit="share", **NEEDS)
def val_straightness(log: RunLog) -> float | None:
    """Share of the fall of the validation loss that happened in the second half: 0 settled, 0.5 a straight line."""
    values = values_of(log, 4 * FEW)
    return None if values is None else straightness(values, robust_statistics.step_noise(values))


def _in_trivial_losses(log: RunLog, value: float | None) -> float | None:
    """A difference of losses in units of the trivial loss, of the first training loss where that is unknown."""
    yardstick = learnable(log) or opening(log)
    return value / abs(yardstick) * examples_in(graded(log)[0]) if value is not None and yardstick else None


@signal(unit="share", **NEEDS)
def val_rise_share(log: RunLog) -> float | None:
    """Rise of the validation loss from its best over the trivial loss (over the first loss if unknown)."""
    final, best = late(log), low(log)
    return _in_trivial_losses(log, final - best if final is not None and best is not None else None)


@signal(unit="share", **NEEDS)
def val_rise_of_gain(log: RunLog) -> float | None:
    """Rise of the validation loss from its best over what validation had gained on the trivial loss by then.

    0 where nothing worth losing had been gained, or the trivial loss is unknown.
    """
    final, best = late(log), low(log)
    if final is None or best is None:
        return None
    now, then = skill_of(log, final), skill_of(log, best)
    return (then - now) / then if now is not None and then is not None and then > LEAST_GAIN else 0.0


@signal(unit="share", **NEEDS)
def val_noise_share(log: RunLog) -> float | None:
    """Noise of one evaluation in units of the trivial loss (of the first training loss where unknown)."""
    return _in_trivial_losses(log, val_noise(log))
