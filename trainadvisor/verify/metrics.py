"""Comparable metrics of two runs: held-out ones first, and losses only if they mean the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.signals import of, trivial_predictor
from trainadvisor.signals.context import contexts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.log.reader import RunLog

HOPELESS = -1.0
ACCURACY, R2 = "validation accuracy", "validation R2"
BINARY = 2
NON_FINITE = ("nan", "inf", "-inf")
# From this many evaluations on, the median of the last three counts, as in the signals.
SETTLED = 6
# Relative difference in mean and scatter of the targets that two seeds of one data set may show.
SAME_SCALE = 0.1


@dataclass(frozen=True)
class Measure:
    """One metric of a run; nan means that it became non-finite in the run."""

    name: str
    value: float
    # Standard deviation of the value within its run.
    noise: float = 0.0
    # Value of a predictor that ignores its input.
    trivial: float | None = None
    higher: bool = True
    held_out: bool = False
    # Whether its best value is 1.
    share: bool = False
    # What defines the meaning of the value; values with a different basis are not comparable.
    basis: tuple[Any, ...] = ()


def measures(log: RunLog) -> dict[str, Measure]:
    """Return the metrics of a run by name, the most informative first."""
    found = [*_held_out(log), *_training(log)]
    return {measure.name: measure for measure in found}


def figure(log: RunLog, name: str) -> float | None:
    """Return the value of a numeric signal, or None."""
    value = of(log).get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _mean_loss(log: RunLog) -> bool:
    """Return whether the main loss is a mean, so that batches of different sizes compare."""
    return (trivial_predictor.main_loss(log) or {}).get("reduction") == "mean"


def _held_out(log: RunLog) -> Iterator[Measure]:
    last = log.evals[-1] if log.evals else {}
    broken = _non_finite(last.get("loss"))
    accuracy = figure(log, "val_accuracy_final")
    if accuracy is not None:
        noise = figure(log, "val_accuracy_error") or 0.0
        trivial = _majority(_fact(log, last)) or _majority(trivial_predictor.main_loss(log))
        yield Measure(ACCURACY, accuracy, noise, trivial, held_out=True, share=True)
    r2 = _r2(log)
    if r2 is not None:
        yield Measure(R2, _no_worse_than_hopeless(r2), 0.0, 0.0, held_out=True, share=True)
    fact = _fact(log, last)
    skill = math.nan if broken else figure(log, "val_skill_final")
    if skill is not None and fact is not None and _same_targets(fact, trivial_predictor.main_loss(log)):
        yield Measure("validation skill", _no_worse_than_hopeless(skill), 0.0, 0.0, held_out=True, share=True)
    value = math.nan if broken else figure(log, "val_loss_final")
    if value is not None and fact is not None:
        noise = figure(log, "val_noise") or 0.0
        yield Measure("validation loss", value, noise, _start(log), higher=False, held_out=True, basis=_basis(fact))


def _no_worse_than_hopeless(value: float) -> float:
    """Return a score clipped at -1: how far below that it falls varies by orders of magnitude between seeds."""
    return max(value, HOPELESS) if math.isfinite(value) else value


def _told(value: Any) -> float | None:
    """Return a recorded number; words for non-finite ones become nan."""
    if isinstance(value, str):
        return math.nan if value in NON_FINITE else None
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _non_finite(value: Any) -> bool:
    told = _told(value)
    return told is not None and math.isnan(told)


def _r2(log: RunLog) -> float | None:
    """Return the final share of explained variance; nan if the last one is not finite."""
    told = [_told(e["metrics"].get("r2")) for e in log.evals]
    values = [value for value in told if value is not None]
    return float(np.median(values[-3:] if len(values) >= SETTLED else values[-1:])) if values else None


def _training(log: RunLog) -> Iterator[Measure]:
    broken = bool(of(log)["loss_nonfinite"])
    accuracy = figure(log, "train_accuracy_final")
    if accuracy is not None:
        trivial = _majority(trivial_predictor.main_loss(log))
        yield Measure("training accuracy", accuracy, _scatter(log.column("accuracy")), trivial, share=True)
    skill = math.nan if broken else figure(log, "skill")
    if skill is not None:
        yield Measure("training skill", _no_worse_than_hopeless(skill), _relative_noise(log), 0.0, share=True)
    final = math.nan if broken else figure(log, "loss_final")
    fact = trivial_predictor.main_loss(log)
    if final is not None and not contexts(log) & {"adversarial", "reinforcement"}:
        trivial = figure(log, "trivial_loss") or figure(log, "loss_first")
        yield Measure("training loss", final, _level_noise(log), trivial, higher=False, basis=_basis(fact))


def _scatter(column: Any) -> float:
    """Return the standard error of the final accuracy, as a mean over batches."""
    values = column[np.isfinite(column)]
    last = values[-max(values.size // 10, 5) :]
    return float(last.std() / math.sqrt(last.size)) if last.size > 1 else 0.0


def _level_noise(log: RunLog) -> float:
    """Return the standard error of the final level, from the noise of one step and the steps behind the median."""
    count = max(int(figure(log, "loss_steps") or 0) // 10, 5)
    return (figure(log, "loss_noise") or 0.0) * 1.25 / math.sqrt(count)


def _relative_noise(log: RunLog) -> float:
    trivial = figure(log, "trivial_loss")
    return _level_noise(log) / trivial if trivial else 0.0


def _fact(log: RunLog, record: dict[str, Any]) -> dict[str, Any] | None:
    """Return the description of the loss that an evaluation reports."""
    return next((fact for fact in log.losses if fact.get("id") == record.get("loss_id")), None)


def _majority(fact: dict[str, Any] | None) -> float | None:
    """Return the accuracy of always predicting the most frequent class."""
    target = (fact or {}).get("target") or {}
    histogram = target.get("histogram")
    if histogram and sum(histogram):
        return float(max(histogram) / sum(histogram))
    mean, two = target.get("mean"), target.get("classes") == BINARY
    return max(mean, 1.0 - mean) if two and isinstance(mean, float) and 0 < mean < 1 else None


def _same_targets(one: dict[str, Any], other: dict[str, Any] | None) -> bool:
    """Return whether the targets of two losses have the same scale, so that they share a trivial loss."""
    scales = [((fact or {}).get("target") or {}).get("std") for fact in (one, other)]
    return None in scales or _alike(*scales)


def _start(log: RunLog) -> float | None:
    """Return the level that a validation loss must be below to count: the trivial loss, else the first evaluation."""
    return (figure(log, "trivial_loss") if _mean_loss(log) else None) or figure(log, "val_loss_first")


def _basis(fact: dict[str, Any] | None) -> tuple[Any, ...]:
    """Return what defines the meaning of a loss value: kind, reduction, weights and scale of the targets."""
    if fact is None:
        return ("custom",)
    target = fact.get("target") or {}
    scale = (
        (target.get("mean"), target.get("std"))
        if fact.get("kind") not in trivial_predictor.CLASSIFYING
        else (None, None)
    )
    told = ("kind", "reduction", "label_smoothing", "weighted")
    return (*(fact.get(name) for name in told), bool(fact.get("broadcast")), *scale)


def comparable(one: Measure, other: Measure, *, rescaled: bool) -> bool:
    """Return whether two values of a metric mean the same; `rescaled` says that a change altered the loss.

    If the first became non-finite, any second value is comparable: it is judged on its own scale.
    """
    if (not one.basis and not other.basis) or math.isnan(one.value):
        return True
    return not rescaled and len(one.basis) == len(other.basis) and all(map(_alike, one.basis, other.basis))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= SAME_SCALE * max(abs(one), abs(other), 1.0)
    return bool(one == other)
