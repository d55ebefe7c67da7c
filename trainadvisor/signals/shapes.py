"""Shapes at the loss call, and the operations in the graph behind it."""

import itertools
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.losses import CALL, GRAPH, REGRESSING, Loss, graph_fact, soft_row_sum, training_losses
from trainadvisor.signals.trivial_predictor import main_loss, summed

EVEN = 1e-3  # what rounding leaves of shares that sum to 1
SEVERAL = 1.2  # probabilities sum to 1; rounding and smoothing deviate far less
FEWEST_CLASSES = 3
EXACTLY_ONE = 1e-3  # one class in each row, up to the rounding of the recorded mean


def _size(shape: Any) -> int:
    return int(np.prod(shape)) if isinstance(shape, list) and shape else 1


def expansion(first: list[int], second: list[int]) -> float:
    """Return by how much broadcasting two shapes exceeds the larger of them; 1 when one side has the final shape."""
    try:
        result = np.broadcast_shapes(tuple(first), tuple(second))
    except ValueError:
        return 1.0
    return _size(list(result)) / max(_size(first), _size(second))


def _grown(loss: Loss) -> float:
    """Return the expansion at a loss function, or at a hand-written mean of squared or absolute differences."""
    pair = loss.get("broadcast")
    if pair:
        return expansion(*pair)
    seen, ops = graph_fact(loss, "broadcast"), " ".join((graph_fact(loss, "ops") or [])[:4])
    by_hand = (
        loss["kind"] == "custom" and "Sub" in ops and ("Pow" in ops or "Abs" in ops) and ("Mean" in ops or "Sum" in ops)
    )
    if not seen or not by_hand or any(len(shape) > 2 for shape in seen):
        return 1.0
    return max(map(_size, seen)) / max(min(map(_size, seen)), 1)


def _widest(log: RunLog) -> Loss | None:
    losses = [loss for loss in training_losses(log) if loss.get("broadcast") or graph_fact(loss, "broadcast")]
    return max(losses, key=_grown, default=None)


@signal(unit="factor", **CALL)
def broadcast_expansion(log: RunLog) -> float | None:
    """Comparisons per example that broadcasting causes: (N, 1) against (N,) gives N; 1 when the shapes match."""
    if not training_losses(log):
        return None
    loss = _widest(log)
    return _grown(loss) if loss else 1.0


@signal(unit="shapes", **CALL)
def broadcast_shapes(log: RunLog) -> str | None:
    """The two shapes that were broadcast against each other at the loss."""
    loss = _widest(log)
    pair = (loss.get("broadcast") or graph_fact(loss, "broadcast")) if loss else None
    return " / ".join(str(tuple(shape)) for shape in pair) if pair else None


@signal(unit="targets", **CALL)
def targets_of_one_answer(log: RunLog) -> int | None:
    """Targets with which a loss function compares the single answer of a row: (N, 1) against (N, K) gives K, else 1."""
    losses = training_losses(log)
    pairs = [loss["broadcast"] for loss in losses if loss.get("broadcast")]
    narrow = [targets[1] for answers, targets in pairs if len(targets) == 2 and answers == [targets[0], 1]]
    return max(narrow, default=1) if losses else None


@signal(unit="classes", **CALL)
def regressed_classes(log: RunLog) -> int | None:
    """Number K of classes where a regression loss compares K scores with one integer label; absent elsewhere."""
    losses = [loss for loss in training_losses(log) if loss["kind"] in REGRESSING]
    return next((loss["target"]["classes"] for loss in losses if _label_regression(loss)), None)


def _label_regression(loss: Loss) -> bool:
    scores, labels = (list(loss[side].get("shape") or []) for side in ("prediction", "target"))
    single = len(scores) == 2 and labels in ([scores[0]], [scores[0], 1])
    units = scores[1] if single else 0
    return units > 1 and bool(loss["target"].get("integer")) and loss["target"].get("classes") == units


@signal(unit="classes", **CALL)
def squared_one_hot(log: RunLog) -> int | None:
    """Number K of classes where a regression loss compares K shares with a one-hot target; absent elsewhere."""
    losses = [loss for loss in training_losses(log) if loss["kind"] in REGRESSING and _one_hot(loss)]
    return int(losses[0]["target"]["shape"][1]) if losses else None


def _one_hot(loss: Loss) -> bool:
    target, shape = loss["target"], list(loss["target"].get("shape") or [])
    if len(shape) != 2 or shape[1] < FEWEST_CLASSES or not target.get("integer") or not target.get("in_unit_interval"):
        return False
    each = abs(float(target.get("mean") or 0.0) * shape[1] - 1) < EXACTLY_ONE
    return each and bool(loss["prediction"].get("in_unit_interval"))


# -- the model behind the loss


def _graph_counts(log: RunLog) -> tuple[int, int] | None:
    """Return the most linear layers behind any training loss, and the non-linear operations behind the same loss."""
    counted = [
        (int(graph_fact(loss, "linear_layers") or 0), int(graph_fact(loss, "nonlinear_ops") or 0))
        for loss in training_losses(log)
        if graph_fact(loss, "linear_layers") is not None and graph_fact(loss, "nonlinear_ops") is not None
    ]
    return max(counted, default=None)


@signal(unit="layers", **GRAPH)
def linear_layers(log: RunLog) -> int | None:
    """Number of linear and convolution operations in the graph of the loss."""
    counts = _graph_counts(log)
    return counts[0] if counts else None


@signal(unit="operations", **GRAPH)
def nonlinear_ops(log: RunLog) -> int | None:
    """Number of non-linear operations between the input and the loss."""
    counts = _graph_counts(log)
    return counts[1] if counts else None


@signal(unit="truth", needs="a chain of weight matrices", zh="首尾相接的权重矩阵")
def linear_bottleneck(log: RunLog) -> bool | None:
    """Whether a layer of a chain of matrices is narrower than both its inputs and its outputs: it limits the rank."""
    shapes = [fact["shape"] for fact in _parameters(log) if fact.get("role") == "weight" and len(fact["shape"]) > 1]
    if len(shapes) < 2 or any(len(shape) != 2 for shape in shapes):
        return None
    for first, second in ((1, 0), (0, 1)):  # torch keeps outputs x inputs, Keras inputs x outputs
        if all(a[second] == b[first] for a, b in itertools.pairwise(shapes)):
            ends = min(shapes[0][first], shapes[-1][second])
            return bool(min(min(shape) for shape in shapes) < ends)
    return None


@signal(unit="truth", needs="a chain of weight matrices", zh="首尾相接的权重矩阵")
def matrix_factors(log: RunLog) -> bool:
    """Whether the model is nothing but matrices that meet at a narrow layer, without a bias: a factorization."""
    biased = any(fact.get("role") != "weight" for fact in _parameters(log))
    return not biased and linear_bottleneck(log) is True


def _parameters(log: RunLog) -> list[dict[str, Any]]:
    return (log.model or {}).get("parameters") or []


@signal(unit="truth", **GRAPH)
def linear_network(log: RunLog) -> bool | None:
    """Whether the model is a single linear map: one layer, no non-linearity, and no table with a row for each id."""
    counts = _graph_counts(log)
    tables = any(layer.get("kind") == "Embedding" for layer in (log.model or {}).get("layers") or [])
    return counts == (1, 0) and not tables if counts else None


@signal(unit="examples", **CALL)
def summed_examples(log: RunLog) -> float | None:
    """Number of targets over which the main loss is summed; absent when it is averaged."""
    loss = main_loss(log)
    terms = summed(loss) if loss else 1.0
    return terms if terms > 1 else None


@signal(unit="outputs", **CALL)
def single_class_outputs(log: RunLog) -> int | None:
    """1 if a cross-entropy over classes gets a single output, so that its loss is always 0; absent otherwise."""
    shapes = [loss["prediction"].get("shape") or [] for loss in training_losses(log) if loss["kind"] == "cross_entropy"]
    return 1 if any(len(shape) > 1 and shape[1] == 1 for shape in shapes) else None


@signal(unit="sum", **CALL)
def multi_hot_sum(log: RunLog) -> float | None:
    """Mean number of classes marked per example where a cross-entropy gets several; absent when it is one."""
    total = soft_row_sum(log)
    return total if total is not None and total > SEVERAL else None


@signal(unit="labels", **GRAPH)
def softmax_labels(log: RunLog) -> float | None:
    """Mean number of labels per example where a binary cross-entropy gets a softmax over them; 1 where none does."""
    for loss in training_losses(log):
        target, shape = loss["target"], loss["prediction"].get("shape") or []
        if loss["kind"] != "binary_cross_entropy" or len(shape) < 2 or not _is_shared(loss, int(shape[1])):
            continue
        marked = number(target.get("mean"))
        if marked is not None and target.get("integer") and target.get("shape") == shape:
            return marked * float(shape[1])
    return 1.0 if training_losses(log) else None


def _is_shared(loss: Loss, labels: int) -> bool:
    """Return whether outputs are a softmax over the labels: shares of 1 have that mean, whatever the examples are."""
    mean = number(loss["prediction"].get("mean"))
    return graph_fact(loss, "output_activation") == "softmax" and mean is not None and abs(mean * labels - 1) < EVEN


@signal(unit="word", **CALL)
def loss_pairing(log: RunLog) -> str | None:
    """How outputs and targets meet at the loss.

    One of single-output, multi-hot, label-regression, one-hot-regression, summed, usual.
    """
    if not training_losses(log):
        return None
    kinds = {
        "single-output": single_class_outputs,
        "multi-hot": multi_hot_sum,
        "label-regression": regressed_classes,
        "one-hot-regression": squared_one_hot,
        "summed": summed_examples,
    }
    return next((name for name, measure in kinds.items() if measure(log) is not None), "usual")
