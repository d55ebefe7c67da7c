"""The targets: classes, balance, order, range, and whether anything about them can be learned."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.losses import CLASSIFYING, REGRESSING, judged_loss, training_losses
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.trivial_predictor import LEAST_EXAMPLES, graded, learnable, skill_of, trivial_of

TARGETS = {"needs": "the targets seen by torch's loss functions", "zh": "torch 损失函数所见的目标值"}
LOADER = {"needs": "the DataLoader of the training", "zh": "训练所用的 DataLoader"}
PREDICTED = {"needs": "evaluations of a classifier", "zh": "分类器的验证结果"}
FIRST_PASS = {"needs": "epochs, the training loss and the targets", "zh": "轮次、训练损失与目标值"}
LEAST_STEPS, LEAST_BATCHES = 10, 5
# Labels of a class that a training as the evaluation would have had: without a single one, chance is ruled out.
EXPECTED = 20
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
# What takes 1 and -1 as its labels; pytorch.org says so of each.
SIGNED = frozenset({"cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "soft_margin_loss"})


def of_target(log: RunLog, field: str) -> float | None:
    """Return a recorded number of the targets at the judged loss."""
    loss = judged_loss(log)
    return number(loss["target"].get(field)) if loss else None


def histogram(log: RunLog) -> Any:
    """Return the counts of the classes that occurred, None for other targets."""
    loss = judged_loss(log)
    counts = np.asarray((loss["target"].get("histogram") if loss else None) or _binary_counts(loss), dtype=np.float64)
    return counts[counts > 0] if np.sum(counts > 0) > 1 else None


def _binary_counts(loss: dict[str, Any] | None) -> list[float]:
    """Return the counts of 0 and 1 under a binary cross-entropy with one output."""
    target = loss["target"] if loss and loss["kind"] in BINARY else {}
    single = (target.get("shape") or [0, 0])[1:] in ([], [1])
    mean, examples = number(target.get("mean")), number(target.get("examples")) or 1.0
    known = single and target.get("integer") and mean is not None and 0 < mean < 1
    return [examples * (1 - mean), examples * mean] if known and mean is not None else []


@signal(unit="value", **TARGETS)
def target_min(log: RunLog) -> float | None:
    """Smallest target value."""
    return of_target(log, "min")


@signal(unit="value", **TARGETS)
def target_max(log: RunLog) -> float | None:
    """Largest target value."""
    return of_target(log, "max")


@signal(unit="value", **TARGETS)
def target_mean(log: RunLog) -> float | None:
    """Mean of the targets."""
    return of_target(log, "mean")


@signal(unit="value", **TARGETS)
def target_std(log: RunLog) -> float | None:
    """Standard deviation of the targets."""
    return of_target(log, "std")


@signal(unit="value", **TARGETS, about="no-regression")
def target_scale(log: RunLog) -> float | None:
    """Root mean square of the targets of a regression: how large the outputs have to become."""
    loss, mean, std = judged_loss(log), target_mean(log), target_std(log)
    if loss is None or loss["kind"] not in REGRESSING or mean is None or std is None:
        return None
    return float(np.hypot(mean, std))


@signal(unit="classes", **TARGETS)
def target_classes(log: RunLog) -> int | None:
    """Number of classes that occurred among the targets; 0 when the targets are not classes."""
    counts, loss = histogram(log), judged_loss(log)
    if counts is None:
        return 0 if loss and loss["kind"] not in (*CLASSIFYING, *BINARY) else None
    return int(counts.size)


@signal(unit="share", **TARGETS)
def target_majority_share(log: RunLog) -> float | None:
    """Share of the most frequent class among the targets."""
    counts = histogram(log)
    return None if counts is None else float(counts.max() / counts.sum())


@signal(unit="ratio", **TARGETS)
def imbalance_ratio(log: RunLog) -> float | None:
    """Number of examples of the most frequent class over that of the rarest class that occurred."""
    counts = histogram(log)
    return None if counts is None else float(counts.max() / counts.min())


@signal(unit="share", **PREDICTED)
def predicted_majority_share(log: RunLog) -> float | None:
    """Share of the class predicted most often, mean of the last two evaluations."""
    shares = [number(record.get("majority_share")) for record in log.evals]
    known = [value for value in shares if value is not None][-2:]
    return float(np.mean(known)) if known else None


@signal(unit="classes", **PREDICTED)
def predicted_classes(log: RunLog) -> int | None:
    """Number of classes predicted at least once in the last evaluation."""
    seen = [number(record.get("classes_predicted")) for record in log.evals]
    known = [value for value in seen if value is not None]
    return int(known[-1]) if known else None


@signal(unit="truth", **TARGETS)
def loss_weighted(log: RunLog) -> bool | None:
    """Whether the judged loss weights its classes."""
    loss = judged_loss(log)
    return bool(loss.get("weighted")) if loss else None


# -- order


def _train_loader(log: RunLog) -> dict[str, Any] | None:
    loaders = [loader for loader in log.loaders if loader["role"] == "train"]
    return loaders[-1] if loaders else None


@signal(unit="word", **LOADER)
def train_order(log: RunLog) -> str | None:
    """Order in which the training loader draws: shuffled, sequential, or unknown (stream, own sampler, none)."""
    loader = _train_loader(log)
    if loader is None or loader.get("iterable") or loader.get("shuffle") is None:
        return "unknown" if log.loaders or judged_loss(log) else None
    return "shuffled" if loader["shuffle"] else "sequential"


@signal(unit="batches", **LOADER)
def train_batches(log: RunLog) -> int | None:
    """Number of batches in an epoch of the training loader."""
    loader = _train_loader(log)
    batches = number(loader.get("batches")) if loader else None
    return None if batches is None else int(batches)


@signal(unit="ratio", **TARGETS)
def label_mixing(log: RunLog) -> float | None:
    """Label entropy within a batch over that of random batches of its size: 1 = mixed, 0 = one class a batch."""
    loss, seen, expected = judged_loss(log), of_target(log, "batch_entropy"), of_target(log, "batch_entropy_expected")
    if loss is None or seen is None or not expected or (number(loss["target"].get("batches")) or 0) < LEAST_BATCHES:
        return None
    return seen / expected


@signal(unit="share", needs="labels of a classifier in training and in evaluations", zh="分类器训练与验证时的标签")
def new_label_share(log: RunLog) -> float | None:
    """Share of the evaluations' labels whose class the training should have had often by now, and never had."""
    told = [e["detail"] for e in log.events if e["kind"] == "label-counts" and e["subject"] == "evaluation"]
    held_out = np.asarray(told[-1].get("histogram") or [] if told else [], dtype=np.float64)
    trained = np.asarray(_trained_classes(log), dtype=np.float64)
    if held_out.shape != trained.shape or not held_out.sum() or not trained.sum():
        return 0.0 if log.losses else None
    shares = held_out / held_out.sum()
    return float(shares[(trained == 0) & (shares * trained.sum() >= EXPECTED)].sum())


def _trained_classes(log: RunLog) -> list[float]:
    loss = judged_loss(log)
    return (loss["target"].get("histogram") if loss and loss["kind"] in CLASSIFYING else None) or []


# -- range


@signal(unit="labels", **TARGETS)
def out_of_range_labels(log: RunLog) -> int | None:
    """Number of labels below zero or not below the number of outputs, ignored ones not counted."""
    counts = [
        number(loss["target"].get("out_of_range")) or 0 for loss in training_losses(log) if loss["kind"] in CLASSIFYING
    ]
    return int(sum(counts)) if training_losses(log) else None


@signal(unit="distance", **TARGETS)
def improbable_targets(log: RunLog) -> float | None:
    """Largest distance by which targets of a binary cross-entropy leave the interval from 0 to 1."""
    distances = [_outside_unit(loss["target"]) for loss in training_losses(log) if loss["kind"] in BINARY]
    known = [value for value in distances if value is not None]
    return max(known, default=0.0) if training_losses(log) else None


def _outside_unit(target: dict[str, Any]) -> float | None:
    low, high = number(target.get("min")), number(target.get("max"))
    return None if low is None or high is None else max(-low, high - 1, 0.0)


@signal(unit="share", **TARGETS, about="no-signed-labels")
def unsigned_label_share(log: RunLog) -> float | None:
    """Share of the labels that are 0 where the loss takes 1 and -1; the largest of all such losses."""
    shares = [_zeros(loss["target"]) for loss in training_losses(log) if loss["kind"] in SIGNED]
    known = [share for share in shares if share is not None]
    return max(known, default=0.0) if training_losses(log) else None


def _zeros(target: dict[str, Any]) -> float | None:
    low, high, mean = (number(target.get(name)) for name in ("min", "max", "mean"))
    if low is None or high is None or mean is None:
        return None
    return 1.0 - mean if target.get("integer") and low == 0.0 and high <= 1.0 else 0.0


@signal(unit="word", **TARGETS)
def signed_loss(log: RunLog) -> str | None:
    """Loss that takes labels of 1 and -1, where its labels are 0 and 1."""
    found = [loss["kind"] for loss in training_losses(log) if loss["kind"] in SIGNED and _zeros(loss["target"])]
    return next(iter(found), None)


@signal(unit="classes", **TARGETS)
def counted_classes(log: RunLog) -> int | None:
    """Number of classes among the labels that the loss counts, those that carry ignore_index left out."""
    loss = judged_loss(log)
    counts = (loss["target"].get("histogram") if loss and loss["kind"] in CLASSIFYING else None) or []
    ignored = whole(loss.get("ignore_index")) if loss else None
    counted = [count for label, count in enumerate(counts) if label != ignored and number(count)]
    return len(counted) if sum(map(float, counted)) >= LEAST_EXAMPLES else None


@signal(unit="share", **TARGETS)
def ignored_share(log: RunLog) -> float | None:
    """Share of the labels that are ignored (ignore_index); 0 for losses without one."""
    shares = [
        number(loss["target"].get("ignored_share")) for loss in training_losses(log) if loss["kind"] in CLASSIFYING
    ]
    known = [value for value in shares if value is not None]
    return max(known, default=0.0) if training_losses(log) else None


# -- can they be learned


@remembered
def _epoch_losses(log: RunLog) -> list[Any]:
    """Return the finite losses of each epoch in order."""
    epochs, values = log.column("epoch"), log.column(graded(log)[1])
    known = np.flatnonzero(np.isfinite(epochs))
    order = known[np.argsort(epochs[known], kind="stable")]
    _, starts = np.unique(epochs[order], return_index=True)
    groups = np.split(values[order], starts[1:]) if order.size else []
    return [group[np.isfinite(group)] for group in groups]


@signal(unit="ratio", **FIRST_PASS)
def first_pass_skill(log: RunLog) -> float | None:
    """Skill on examples never seen before: of the mean loss of the second half of the first epoch.

    In the first epoch every batch is new, so its loss measures generalization; unrelated labels keep it at zero.
    """
    epochs = _epoch_losses(log)
    if len(epochs) < 2 or epochs[0].size < LEAST_STEPS:
        return None
    return skill_of(log, float(np.mean(epochs[0][epochs[0].size // 2 :])))


@signal(unit="ratio", **FIRST_PASS)
def memorised_skill(log: RunLog) -> float | None:
    """How far the mean loss of the last epoch lies below that of the first, or below H0 if that is less, over H0.

    This is what repetition has taught; recovering from a bad start does not count.
    """
    epochs, trivial, span = _epoch_losses(log), trivial_of(graded(log)[0]), learnable(log)
    if trivial is None or span is None or len(epochs) < 3:
        return None
    first, last = epochs[0], epochs[-1] if epochs[-1].size >= epochs[-2].size else epochs[-2]
    if not first.size or not last.size:
        return None
    return (min(float(np.mean(first)), trivial) - float(np.mean(last))) / span


@signal(unit="standard errors", **FIRST_PASS)
def memorised_z(log: RunLog) -> float | None:
    """Significance of the fall of the epochs' mean loss over the run, in standard errors (trend over the epochs)."""
    means = [float(np.mean(values)) for values in _epoch_losses(log) if values.size]
    return -robust_statistics.trend_z(np.array(means)) if len(means) >= 5 else None
