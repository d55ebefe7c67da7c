"""The loss function, and what a predictor that ignores its input would reach: the reference for skill."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.activations import act, rows_of
from trainadvisor.signals.memory import remembered

LEAST_EXAMPLES = 16  # with fewer, a histogram or a variance says nothing about the data
LEAST_TRIVIAL = 1e-12  # a constant target leaves nothing to learn
MOSTLY_OUTPUTS = 0.75  # the rest is then less than a third of what was subtracted, measured on other batches
# Share of the steps that have to tell the part by which a sum is graded, and of a sum that its other terms may make up.
MOSTLY_TOLD, BESIDE = 0.9, 0.1
CLASSIFYING = ("cross_entropy", "nll_loss")
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")


@remembered
def main_loss(log: RunLog) -> dict[str, Any] | None:
    """Description of the loss function that the main phase minimizes, None for a composite one."""
    ids = log.column("loss_id")
    ids = ids[np.isfinite(ids)]
    if 2 * ids.size <= np.isfinite(log.column("loss")).sum() or ids.size == 0:
        return None
    values, counts = np.unique(ids, return_counts=True)
    wanted = int(values[np.argmax(counts)])
    return next((_less_outputs(log, loss) for loss in log.losses if loss.get("id") == wanted), None)


def _less_outputs(log: RunLog, loss: dict[str, Any]) -> dict[str, Any]:
    """Subtract the scatter of the first outputs from the estimate for a hand-written loss, which includes both.

    At the start outputs and targets are independent, so the variance of their difference is the sum of theirs. Where
    outputs make up most of it, it says nothing about the targets.
    """
    estimate, outputs = _estimated(loss), rows_of(log, frozenset({"output"}))[-1:]
    if estimate is None or _is_made_of_outputs(log, loss, outputs):
        return loss
    spreads = act(log, "act_spread", outputs).ravel()
    if not spreads.size or not np.isfinite(spreads[0]):
        return loss
    absolute = any(name.startswith("Abs") for name in (loss.get("graph") or {}).get("ops", []))
    own = float(spreads[0] if absolute else spreads[0] ** 2)
    kept = estimate if absolute else estimate - own
    return {**loss, "trivial_estimate": kept if own < MOSTLY_OUTPUTS * estimate else None}


def _is_made_of_outputs(log: RunLog, loss: dict[str, Any], outputs: list[int]) -> bool:
    """Return whether one number an example is compared that was computed from several outputs, as a cosine is."""
    units = [number(log.layers.rows("act")[place].get("units")) for place in outputs]
    return loss.get("compared") == 1 and any(count is not None and count > 1 for count in units)


def graded(log: RunLog) -> tuple[dict[str, Any] | None, str]:
    """Description of the loss by which skill is measured, and its column.

    That is the main loss; of a composite one its only part that is a standard loss, or the one that makes up nearly all
    of it, when every step has it.
    """
    loss = main_loss(log)
    if loss is None or loss.get("kind") != "custom" or _estimated(loss) is not None:
        return loss, "loss"
    values, ids = log.column("loss"), log.column("part_id")
    told, parts = ids[np.isfinite(ids)], loss.get("parts") or []
    steady = told.size >= MOSTLY_TOLD * np.isfinite(values).sum() and bool(told.size) and np.ptp(told) == 0
    if not steady or told[0] not in parts or (len(parts) > 1 and not _stands_for(values, log.column("part"))):
        return loss, "loss"
    return next((other for other in log.losses if other.get("id") == told[0]), None), "part"


def _stands_for(sums: Any, parts: Any) -> bool:
    """Return whether one part makes up nearly all of a sum in nearly every step."""
    known = np.isfinite(sums) & np.isfinite(parts)
    near = np.abs(sums - parts)[known] <= BESIDE * np.abs(sums[known])
    return bool(near.size and near.mean() >= MOSTLY_TOLD)


def entropy(weights: Any) -> float:
    """Entropy in nats of a histogram."""
    counts = np.asarray(weights, dtype=np.float64)
    shares = counts[counts > 0] / counts.sum()
    return float(-np.sum(shares * np.log(shares)))


def smoothed_entropy(histogram: Any, smoothing: float) -> float:
    """Smallest cross-entropy that a constant prediction reaches on labels smoothed by this much."""
    counts = np.asarray(histogram, dtype=np.float64)
    return entropy((1 - smoothing) * counts / counts.sum() + smoothing / counts.size)


def _histogram(loss: dict[str, Any]) -> Any:
    """Return the label histogram, each class times its weight, or None when it or the weights are unknown."""
    counts = np.asarray((loss.get("target") or {}).get("histogram") or [], dtype=np.float64)
    if not loss.get("weighted"):
        return counts
    weights = loss.get("weights") or []
    known = len(weights) == counts.size and not loss.get("label_smoothing") and loss.get("reduction") == "mean"
    return counts * weights if known else np.zeros(0)


def _classes(loss: dict[str, Any]) -> float | None:
    target, histogram = loss.get("target") or {}, _histogram(loss)
    if histogram.size == 0 or (target.get("soft") and target.get("floor") is None) or histogram.sum() < LEAST_EXAMPLES:
        return None
    return smoothed_entropy(histogram, float(loss.get("label_smoothing") or 0.0))


def _binary(loss: dict[str, Any]) -> float | None:
    target = loss.get("target") or {}
    mean = target.get("mean")
    if mean is None or not 0 < mean < 1 or not (target.get("integer") or "floor" in target):
        return None
    if loss.get("weighted"):
        return _weighted_binary(loss, mean)
    return float(target.get("entropy_columns") or entropy([mean, 1 - mean]))


def _weighted_binary(loss: dict[str, Any], mean: float) -> float | None:
    """Least of w m softplus(-b) + (1 - m) softplus(b) over the constant output b, for one positive weight w."""
    weights, shape = loss.get("weights") or [], (loss.get("target") or {}).get("shape") or []
    one_column = len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)
    if len(weights) != 1 or not one_column or loss.get("kind") != "binary_cross_entropy_with_logits":
        return None
    positive, negative = float(weights[0]) * mean, 1 - mean
    return (positive + negative) * entropy([positive, negative])


def _squared(loss: dict[str, Any]) -> float | None:
    target = loss.get("target") or {}
    return target.get("variance_columns") or target.get("variance")


def _absolute(loss: dict[str, Any]) -> float | None:
    return (loss.get("target") or {}).get("abs_deviation")


def _robust(loss: dict[str, Any]) -> float | None:
    return (loss.get("target") or {}).get("deviation")


def _counts(loss: dict[str, Any]) -> float | None:
    """Return m - m ln m, the least Poisson loss of a constant rate."""
    mean = (loss.get("target") or {}).get("mean")
    if mean is None or mean <= 0 or loss.get("full") or (loss.get("target") or {}).get("floor") is None:
        return None
    return float(mean - mean * np.log(mean))


def _estimated(loss: dict[str, Any]) -> float | None:
    """Return what the recorder derived from the graph of a hand-written loss."""
    estimate = loss.get("trivial_estimate")
    return float(estimate) if isinstance(estimate, int | float) and np.isfinite(estimate) else None


_OF_KIND = {
    **dict.fromkeys(CLASSIFYING, _classes),
    **dict.fromkeys(BINARY, _binary),
    "mse_loss": _squared,
    "l1_loss": _absolute,
    "smooth_l1_loss": _robust,
    "huber_loss": _robust,
    "poisson_nll_loss": _counts,
    "custom": _estimated,
}


def trivial_of(loss: dict[str, Any] | None) -> float | None:
    """Return the loss of the best constant prediction under this loss function."""
    value = _per_element(loss) if loss else None
    return value * _scale(loss) if loss and value is not None else None


def floor_of(loss: dict[str, Any]) -> float:
    """Return the smallest loss that a perfect predictor can reach under this loss function."""
    smoothing = float(loss.get("label_smoothing") or 0.0)
    target = loss.get("target") or {}
    histogram = target.get("histogram") or [1]
    floor = smoothed_entropy([1] + [0] * (len(histogram) - 1), smoothing) if smoothing else target.get("floor") or 0.0
    return float(floor) * _scale(loss)


def learnable(log: RunLog) -> float | None:
    """Return the distance from the trivial loss to the floor, of the loss by which skill is measured."""
    loss = graded(log)[0]
    trivial = trivial_of(loss)
    return trivial - floor_of(loss) if loss and trivial is not None and trivial > floor_of(loss) else None


def _per_element(loss: dict[str, Any]) -> float | None:
    trivial = _OF_KIND.get(str(loss.get("kind")), lambda _: None)(loss)
    floor = (loss.get("target") or {}).get("floor") or 0.0
    return trivial if trivial is not None and trivial - floor > LEAST_TRIVIAL else None


def summed(loss: dict[str, Any]) -> float:
    """Factor by which a sum-reduced loss exceeds its mean: number of targets in a batch over the script's divisor."""
    if loss.get("reduction") != "sum":
        return 1.0
    return _summands(loss) * _divided_in(loss) / (loss.get("divisor") or 1.0)


def _summands(loss: dict[str, Any]) -> float:
    """Return how many values a summed loss adds up: of labels those that count, which padding does not."""
    target, terms = loss.get("target") or {}, number(loss.get("terms"))
    elements = float(np.prod(target.get("shape") or [1]))
    if loss.get("kind") not in CLASSIFYING or target.get("soft"):
        return elements
    return terms if terms is not None and terms > 0 else elements * (1 - (number(target.get("ignored_share")) or 0.0))


def _scale(loss: dict[str, Any]) -> float:
    """Factor by which the recorded loss of a step exceeds the mean over its elements."""
    by_example = loss.get("by_example") and isinstance(loss.get("terms"), int | float) and loss["terms"] > 0
    return summed({**loss, "divisor": loss["terms"]}) if by_example else summed(loss)


def examples_in(loss: dict[str, Any] | None) -> float:
    """Factor by which the loss of a step exceeds that of one example: for a sum, its terms over the script's divisor.

    Evaluations are recorded by the example, and so are sums of the training that the script does not divide. A log
    without the number of terms has sums on both sides.
    """
    terms = (loss or {}).get("terms")
    told = loss is None or loss.get("reduction") != "sum" or loss.get("by_example")
    if loss is None or told or not isinstance(terms, int | float) or terms <= 0:
        return 1.0
    return float(terms) * _divided_in(loss) / (loss.get("divisor") or 1.0)


def _divided_in(loss: dict[str, Any]) -> int:
    """Micro-batches of a step that share one divisor, and whose sums are told together."""
    return loss["divided_in"] if isinstance(loss.get("divided_in"), int) else 1


@signal(unit="word", needs="the call of the loss function", zh="损失函数的调用")
def loss_kind(log: RunLog) -> str | None:
    """Kind of the loss that is minimized: cross_entropy, mse_loss, ...; custom when it is composed or unknown."""
    if not np.isfinite(log.column("loss")).any():
        return None
    loss = main_loss(log)
    return str(loss.get("kind")) if loss else "custom"


@signal(unit="loss", needs="the targets seen by a standard loss function", zh="标准损失函数所见的目标值")
def trivial_loss(log: RunLog) -> float | None:
    """Loss of the best predictor that ignores its input (H0).

    Cross-entropy: entropy of the label histogram, each class counted by its weight. Binary cross-entropy: H(mean). MSE:
    variance of the targets. L1, Huber: mean loss of the median. Poisson: m - m ln m. Of a squared or absolute
    difference that is written out: its own scatter in the first steps. Absent for composite losses.
    """
    return trivial_of(main_loss(log))


@signal(unit="loss", needs="the settings of a standard loss function", zh="标准损失函数的设置")
def loss_floor(log: RunLog) -> float | None:
    """Smallest loss of a perfect predictor: 0, or the entropy of soft or smoothed labels or of counts."""
    loss = main_loss(log)
    return floor_of(loss) if loss and trivial_loss(log) is not None else None


@signal(unit="classes", needs="integer targets of a cross-entropy", zh="交叉熵的整数标签")
def class_count(log: RunLog) -> int | None:
    """Number of classes that the loss distinguishes."""
    loss = main_loss(log)
    return (loss.get("target") or {}).get("classes") if loss and loss.get("kind") in CLASSIFYING else None


@signal(unit="loss", needs="integer targets of a mean cross-entropy", zh="取均值的交叉熵的整数标签")
def uniform_loss(log: RunLog) -> float | None:
    """Cross-entropy of a uniform guess over K classes, ln K: where a fresh classifier should start."""
    loss, classes = main_loss(log), class_count(log)
    return float(np.log(classes)) * _scale(loss) if loss and classes and classes > 1 else None


def skill_of(log: RunLog, value: float | None) -> float | None:
    """Skill of a value of the graded loss: 0 for the trivial predictor, 1 for a perfect one."""
    trivial, span = trivial_of(graded(log)[0]), learnable(log)
    return (trivial - value) / span if value is not None and trivial is not None and span is not None else None
