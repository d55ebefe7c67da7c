"""Curves that stand still: a training loss at the level of a guess, evaluations that all give one figure."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curve_training import LEAST_SHARE, accuracies, curve_last_over_first
from trainadvisor.signals.curve_updates import MOVED, moved
from trainadvisor.signals.curve_validation import NEEDS_EVALS
from trainadvisor.signals.curves import NEEDS, SOME, held_out, training

# The numbers of classes that most data sets have; near the logarithm of any number a flat loss may lie by chance.
USUAL = (2, 10, 100, 1000)
# How far the mean and each point of a flat curve lie from the logarithm of the number of classes, at most.
NEAR_MEAN, NEAR_POINT = 0.003, 0.03
LEAST_POINTS = 20
# Decimals from which on equal figures are no work of rounding.
DECIMALS = 2


@signal(unit="classes", **NEEDS)
def curve_level_classes(log: RunLog) -> int | None:
    """Number of classes whose equal probabilities give the level of a flat training loss; 0 where none does.

    Only where no accuracy was logged, which would say more.
    """
    losses = training(log)[1]
    if losses.size < LEAST_POINTS or accuracies(log).size:
        return None
    change = moved(losses)
    if losses.min() <= LEAST_SHARE or change is None or abs(change) >= MOVED:
        return 0
    for classes in USUAL:
        level = float(np.log(classes))
        if abs(losses.mean() / level - 1) < NEAR_MEAN and np.abs(losses / level - 1).max() < NEAR_POINT:
            return classes
    return 0


@signal(unit="evaluations", **NEEDS_EVALS)
def curve_val_still(log: RunLog) -> int | None:
    """Evaluations, where all of them have one loss to the last digit; 0 where they differ or have few digits."""
    values = held_out(log)[1]
    if values.size < SOME:
        return None
    exact = np.ptp(values) == 0 and round(float(values[0]), DECIMALS) != values[0]
    return int(values.size) if exact else 0


@signal(unit="share", **NEEDS)
def curve_fall(log: RunLog) -> float | None:
    """Share of the first training loss that is gone at the end; absent unless both are positive."""
    left = curve_last_over_first(log)
    return 1 - left if left is not None else None
