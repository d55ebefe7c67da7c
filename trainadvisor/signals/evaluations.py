"""The validation losses of a log, their smoothed levels, and the training loss that they compare with."""

from typing import Any

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics
from trainadvisor.signals.loss import broken_at, training_loss
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, median, medians
from trainadvisor.signals.trivial_predictor import (
    LEAST_EXAMPLES,
    examples_in,
    floor_of,
    graded,
    main_loss,
    skill_of,
)

FEW, SOME, MANY = 3, 5, 6


@remembered
def validation(log: RunLog) -> tuple[Series, Series]:
    """Steps and losses of the evaluations."""
    array = np.array([(e["step"], e["loss"]) for e in _with_loss(log)], dtype=np.float64).reshape(-1, 2)
    return array[:, 0], array[:, 1]


def _with_loss(log: RunLog) -> list[dict[str, Any]]:
    return [e for e in log.evals if isinstance(e.get("loss"), (int, float)) and np.isfinite(e["loss"])]


def values_of(log: RunLog, least: int) -> Series | None:
    """Return the losses of the evaluations, None when there are too few."""
    values = validation(log)[1]
    return values if values.size >= least else None


def smooth(values: Series) -> Series:
    """Each evaluation as the median of itself and its neighbors, so that a single lucky one does not count."""
    if values.size < SOME:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return medians(np.lib.stride_tricks.sliding_window_view(padded, 3))


def best_place(values: Series) -> int:
    """Index of the lowest smoothed evaluation."""
    return int(np.argmin(smooth(values)))


def low(log: RunLog) -> float | None:
    """Return the lowest level of the evaluations by which is judged: smoothed where there are five or more."""
    values, final = values_of(log, 1), late(log)
    return min(float(smooth(values).min()), final) if values is not None and final is not None else None


def late(log: RunLog) -> float | None:
    """Return the final level of the evaluations by which is judged: the median of three where there are five."""
    values = values_of(log, 1)
    return None if values is None else median(values[-3:] if values.size >= SOME else values[-1:])


def _evaluated(log: RunLog) -> dict[str, Any] | None:
    """Return the loss function of the evaluations, None where the log does not name it."""
    ids = {e.get("loss_id") for e in _with_loss(log)}
    return next((loss for loss in log.losses if {loss.get("id")} == ids), None)


@remembered
def training_beside(log: RunLog) -> tuple[Series, Series]:
    """Steps and values of the training loss that is the same quantity as the evaluations' loss; empty without one.

    A sum of terms is not compared with one of them: where the training minimizes a sum, only its standard part is.
    """
    main, own, column = main_loss(log), _evaluated(log), "loss"
    if own is not None and main is not None and own["id"] != main["id"] and own["kind"] != main["kind"]:
        main, column = _part(log), "part"
        if main is None or main["kind"] != own["kind"]:
            return np.empty(0), np.empty(0)
    if column == "loss" and examples_in(main) == 1:
        return training_loss(log)
    values = log.column(column)[: broken_at(log)] / examples_in(main)
    kept = np.isfinite(values)
    return np.asarray(log.steps, dtype=np.float64)[: broken_at(log)][kept], values[kept]


def part_validated(log: RunLog) -> tuple[str, float] | None:
    """Return the kind of loss that is validated where training minimizes a sum with it, and its last level there."""
    own, main, values = _evaluated(log), main_loss(log), training_beside(log)[1]
    if own is None or main is None or own["kind"] == main["kind"] or not values.size:
        return None
    return str(own["kind"]), robust_statistics.level(robust_statistics.tail(values, 0.1, FEW))


def _part(log: RunLog) -> dict[str, Any] | None:
    """Return the standard loss that is a part of a composed one in every step."""
    ids = log.column("part_id")
    known = np.unique(ids[np.isfinite(ids)])
    return next((loss for loss in log.losses if known.size == 1 and loss.get("id") == known[0]), None)


def train_near(log: RunLog, step: float) -> float | None:
    """Level of the training loss over the twentieth of the run (at least ten steps) that ends at a step."""
    numbers, values = training_beside(log)
    end = int(np.searchsorted(numbers, step, side="left"))
    width = max(values.size // 20, 10)
    return robust_statistics.level(values[max(end - width, 0) : end]) if end >= FEW else None


def skill_held_out(log: RunLog, value: float | None) -> float | None:
    """Return the skill of an evaluation loss, measured on the targets of the evaluations where these were recorded."""
    loss, own = graded(log)[0], _evaluated(log)
    if value is None or loss is None or (own is not None and own["kind"] != loss["kind"]):
        return None
    trivial = _own_trivial(log)
    if trivial is None:
        return skill_of(log, value * examples_in(loss)) if _is_told_alike(loss) else None
    span = trivial - floor_of(loss) / examples_in(loss)
    return (trivial - value) / span if span > 0 else None


def _is_told_alike(loss: dict[str, Any]) -> bool:
    """Return whether batches of different sizes compare: a mean, or a sum by the example."""
    return loss.get("reduction") == "mean" or isinstance(loss.get("terms"), int | float)


def _own_trivial(log: RunLog) -> float | None:
    """Return the loss of the best constant answer on the evaluations' targets, where they are examples enough."""
    told = [e.get("trivial") for e in _with_loss(log) if (e.get("examples") or 0) >= LEAST_EXAMPLES]
    known = [value for value in told if isinstance(value, (int, float)) and np.isfinite(value) and value > 0]
    return median(known) if known else None
