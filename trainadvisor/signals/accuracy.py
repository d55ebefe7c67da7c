"""Accuracy of evaluations and of training batches."""

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.evaluations import MANY, smooth
from trainadvisor.signals.robust_statistics import Series, median
from trainadvisor.signals.trivial_predictor import main_loss

PERCENT = 100.0
NEEDS_ACCURACY = {"needs": "the accuracy of evaluations", "zh": "验证集的准确率"}


def metric(log: RunLog, name: str) -> Series:
    """Values of a metric of the evaluations."""
    values = [e["metrics"].get(name) for e in log.evals]
    return np.array([v for v in values if isinstance(v, (int, float)) and np.isfinite(v)], dtype=np.float64)


def _unit(values: Series) -> float:
    return PERCENT if values.size and 1 < values.max() <= PERCENT else 1.0


def accuracy_unit(log: RunLog) -> float:
    """Return what the evaluations call an accuracy of 1: 100 where they are in percent, as one above 1 shows."""
    return _unit(metric(log, "accuracy"))


def _accuracies(log: RunLog) -> Series:
    values = metric(log, "accuracy")
    return values / _unit(values)


@signal(unit="share", **NEEDS_ACCURACY)
def val_accuracy_final(log: RunLog) -> float | None:
    """Validation accuracy of the last evaluation."""
    values = _accuracies(log)
    return float(values[-1]) if values.size else None


def late_accuracy(log: RunLog) -> float | None:
    """Return the final accuracy by which is judged: the median of the last three if there are six or more."""
    values = _accuracies(log)
    return median(values[-3:] if values.size >= MANY else values[-1:]) if values.size else None


@signal(unit="share", **NEEDS_ACCURACY)
def val_accuracy_best(log: RunLog) -> float | None:
    """Best validation accuracy."""
    values = _accuracies(log)
    return float(values.max()) if values.size else None


@signal(unit="share", needs="the accuracy of training batches", zh="训练批次的准确率")
def train_accuracy_final(log: RunLog) -> float | None:
    """Mean accuracy of the training batches of the last tenth of the run, at least five batches."""
    values = robust_statistics.finite(log.column("accuracy"))
    return float(np.mean(robust_statistics.tail(values, 0.1, 5))) / _unit(values) if values.size else None


@signal(unit="share", needs="the accuracy of evaluations and of training batches", zh="验证集与训练批次的准确率")
def accuracy_gap(log: RunLog) -> float | None:
    """Final training accuracy less final validation accuracy."""
    train, held_out = train_accuracy_final(log), late_accuracy(log)
    return train - held_out if train is not None and held_out is not None else None


@signal(unit="examples", needs="the number of evaluated examples", zh="验证样本数")
def val_examples(log: RunLog) -> int | None:
    """Examples of the largest evaluation."""
    counts = [int(e["examples"]) for e in log.evals if isinstance(e.get("examples"), (int, float))]
    return max(counts, default=None)


@signal(unit="share", needs="the accuracy and the number of evaluated examples", zh="验证集的准确率与样本数")
def val_accuracy_error(log: RunLog) -> float | None:
    """Binomial standard error of the final validation accuracy."""
    accuracy, count = val_accuracy_final(log), val_examples(log)
    if accuracy is None or not count:
        return None
    return float(np.sqrt(max(accuracy * (1 - accuracy), 0.25 / count) / count))


@signal(unit="standard errors", needs="the accuracy of evaluations and the labels", zh="验证集的准确率与标签")
def val_accuracy_lift(log: RunLog) -> float | None:
    """Best validation accuracy (running median) above the most frequent label's share, in binomial standard errors."""
    values, count, loss = _accuracies(log), val_examples(log), main_loss(log)
    labels = (loss or {}).get("target", {}).get("histogram") if loss else None
    if not values.size or not count or not labels or sum(labels) <= 0:
        return None
    best = float(smooth(values).max())
    chance = max(labels) / sum(labels)
    return float((best - chance) / np.sqrt(max(chance * (1 - chance), 0.25 / count) / count))
