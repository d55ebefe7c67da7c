"""What the loss is, and what a predictor that ignores its input would get: the yardstick of all skill."""

from typing import Any

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

LEAST_EXAMPLES = 16  # below that a histogram or a variance says nothing about the data
LEAST_TRIVIAL = 1e-12  # a target that does not vary leaves nothing to learn
CLASSIFYING = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


def main_loss(log: RunLog) -> dict[str, Any] | None:
    """Facts of the loss function whose output the main stage descends on, None for a composite one."""
    ids = log.column("loss_id")
    ids = ids[np.isfinite(ids)]
    if 2 * ids.size <= np.isfinite(log.column("loss")).sum() or ids.size == 0:
        return None
    values, counts = np.unique(ids, return_counts=True)
    wanted = int(values[np.argmax(counts)])
    return next((loss for loss in log.losses if loss.get("id") == wanted), None)


def entropy(weights: Any) -> float:
    """Entropy in nats of a histogram."""
    counts = np.asarray(weights, dtype=np.float64)
    shares = counts[counts > 0] / counts.sum()
    return float(-np.sum(shares * np.log(shares)))


def smoothed_entropy(histogram: Any, smoothing: float) -> float:
    """Least cross-entropy a constant prediction reaches on labels smoothed by this much."""
    counts = np.asarray(histogram, dtype=np.float64)
    return entropy((1 - smoothing) * counts / counts.sum() + smoothing / counts.size)


def _classes(loss: dict[str, Any]) -> float | None:
    target = loss.get("target") or {}
    histogram = target.get("histogram")
    if not histogram or target.get("soft") or loss.get("weighted") or sum(histogram) < LEAST_EXAMPLES:
        return None
    return smoothed_entropy(histogram, float(loss.get("label_smoothing") or 0.0))


def _binary(loss: dict[str, Any]) -> float | None:
    target = loss.get("target") or {}
    mean = target.get("mean")
    if mean is None or not target.get("integer") or not 0 < mean < 1 or loss.get("weighted"):
        return None
    return float(target.get("entropy_columns") or entropy([mean, 1 - mean]))


def _squared(loss: dict[str, Any]) -> float | None:
    target = loss.get("target") or {}
    return target.get("variance_columns") or target.get("variance")


def _absolute(loss: dict[str, Any]) -> float | None:
    return (loss.get("target") or {}).get("abs_deviation")


def _per_element(loss: dict[str, Any]) -> float | None:
    kind = loss.get("kind")
    if kind in CLASSIFYING:
        return _classes(loss)
    if kind in BINARY:
        return _binary(loss)
    return {"mse_loss": _squared, "l1_loss": _absolute}.get(str(kind), lambda _: None)(loss)


def summed(loss: dict[str, Any]) -> float:
    """Factor by which a sum-reduced loss exceeds its mean: the number of targets in a batch."""
    shape = (loss.get("target") or {}).get("shape") or [1]
    return float(np.prod(shape)) if loss.get("reduction") == "sum" else 1.0


@signal(unit="word", needs="the call of the loss function", zh="损失函数的调用")
def loss_kind(log: RunLog) -> str | None:
    """Kind of the loss that is descended on: cross_entropy, mse_loss, ...; custom when it is composed or unknown."""
    if not np.isfinite(log.column("loss")).any():
        return None
    loss = main_loss(log)
    return str(loss.get("kind")) if loss else "custom"


@signal(unit="loss", needs="the targets seen by a standard loss function", zh="标准损失函数所见的目标值")
def trivial_loss(log: RunLog) -> float | None:
    """Loss of the best predictor that ignores its input (H0).

    Cross-entropy: entropy of the label histogram. Binary cross-entropy: H(mean). MSE: variance of the targets. L1: mean
    absolute deviation from the median. Absent for composite losses, soft targets and class weights.
    """
    loss = main_loss(log)
    value = _per_element(loss) if loss else None
    return value * summed(loss) if loss and value and value > LEAST_TRIVIAL else None


@signal(unit="loss", needs="the settings of a standard loss function", zh="标准损失函数的设置")
def loss_floor(log: RunLog) -> float | None:
    """Least loss a perfect predictor can reach: 0, or the entropy that label smoothing leaves."""
    loss = main_loss(log)
    if loss is None or trivial_loss(log) is None:
        return None
    smoothing = float(loss.get("label_smoothing") or 0.0)
    histogram = (loss.get("target") or {}).get("histogram") or [1]
    return smoothed_entropy([1] + [0] * (len(histogram) - 1), smoothing) * summed(loss) if smoothing else 0.0


@signal(unit="classes", needs="integer targets of a cross-entropy", zh="交叉熵的整数标签")
def class_count(log: RunLog) -> int | None:
    """Number of classes that the loss distinguishes."""
    loss = main_loss(log)
    return (loss.get("target") or {}).get("classes") if loss and loss.get("kind") in CLASSIFYING else None


@signal(unit="loss", needs="integer targets of a mean cross-entropy", zh="取均值的交叉熵的整数标签")
def uniform_loss(log: RunLog) -> float | None:
    """Cross-entropy of guessing all K classes alike, ln K: what a fresh classifier should start at."""
    loss, classes = main_loss(log), class_count(log)
    return float(np.log(classes)) * summed(loss) if loss and classes and classes > 1 else None


def skill_of(log: RunLog, value: float | None) -> float | None:
    """Skill of a loss value: 0 for the trivial predictor, 1 for a perfect one."""
    trivial, floor = trivial_loss(log), loss_floor(log)
    if value is None or trivial is None or floor is None or trivial <= floor:
        return None
    return (float(trivial) - value) / (float(trivial) - float(floor))
