"""The model's outputs: their spread over the examples, their size, and the logits inside attention."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.activations import act, rows_of
from trainadvisor.signals.batch_examples import FEWEST, spread_of
from trainadvisor.signals.input_data import inputs_of
from trainadvisor.signals.matrices import early, late, typical
from trainadvisor.signals.robust_statistics import median

OUTPUT = {"needs": "the model's outputs on sampled steps", "zh": "采样步上的模型输出"}
EVALS = {"needs": "evaluations with class predictions", "zh": "带类别预测的验证"}
LOGITS = {"needs": "the logits inside attention on sampled steps", "zh": "采样步上注意力内部的 logits"}
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")
CLASSIFICATION = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
LAST_EVALS = 3
# Outputs from which on their number being that of the inputs is no accident.
SEVERAL = 8
# In standard deviations: how far from 0 the mean of inputs lies that says something, and how near that of outputs is.
AWAY, NEAR = 0.3, 0.1


def _output(log: RunLog, column: str) -> Floats:
    """Return a column of the output row for all samples."""
    values = act(log, column, rows_of(log, frozenset({"output"}))[-1:])
    return np.asarray(values.ravel(), dtype=np.float64)


@signal(unit="output units", **OUTPUT)
def output_spread(log: RunLog) -> float | None:
    """Standard deviation of the outputs over the examples of a batch, mean over outputs, in the last three evaluations.

    Without evaluations that of the latest training outputs, else that of the first predictions given to the loss.
    """
    told = _numbers([e.get("output_spread") for e in log.evals[-LAST_EVALS:] if _large(e)])
    steps, values = log.layers.steps_of("act_spread"), _output(log, "act_spread")
    sampled = values[late(log, steps)] if values.size else values
    first = _numbers([spread_of(loss["prediction"]) for loss in log.losses if loss.get("phase") != "eval"])
    return next((typical(spreads) for spreads in (told, sampled, first) if np.isfinite(spreads).any()), None)


def _large(record: dict[str, Any]) -> bool:
    """Return whether the batches of an evaluation hold enough examples to differ."""
    examples, batches = number(record.get("examples")), number(record.get("batches"))
    return examples is None or not batches or examples / batches >= FEWEST


def _numbers(values: list[Any]) -> Floats:
    return np.array([value for value in values if isinstance(value, (int, float))], dtype=np.float64)


def _targets(log: RunLog) -> list[dict[str, Any]]:
    return [loss["target"] for loss in log.losses if loss.get("phase") != "eval"]


@signal(unit="ratio", needs="the model's outputs and a standard loss function", zh="模型输出与标准损失函数")
def output_spread_share(log: RunLog) -> float | None:
    """Spread of the outputs over the examples, relative to the targets of a regression, in logits for a classifier."""
    spread, unit = output_spread(log), _output_unit(log)
    return spread / unit if spread is not None and unit else None


def _output_unit(log: RunLog) -> float | None:
    """Return the standard deviation of regression targets, 1 for a classifier, None where neither is known.

    What has the width of the inputs, in a loss that no function of torch computes, is taken for their reconstruction.
    """
    training = [loss for loss in log.losses if loss.get("phase") != "eval"]
    stds = [loss["target"].get("std") for loss in training if loss["kind"] in REGRESSION]
    known = [float(std) for std in stds if isinstance(std, (int, float)) and std > 0]
    if known or any(loss["kind"] in CLASSIFICATION for loss in training):
        return known[0] if known else 1.0
    return _input_spread(log) if training and all(loss["kind"] == "custom" for loss in training) else None


def _input_spread(log: RunLog) -> float | None:
    """Return the median over the inputs of their standard deviation over a batch, where these are reconstructed.

    The last matrix, [outputs, inputs of the layer], has their width then, and the outputs have their mean, which lies
    away from 0: changes that are to be added to the inputs, and numbers around 0, might be anything.
    """
    given = inputs_of(log, "train") or {}
    matrices = [fact["shape"] for fact in log.layers.rows() if fact["role"] == "weight" and len(fact["shape"]) == 2]
    width = matrices[-1][0] if matrices else 0
    if not given.get("floating") or width < SEVERAL or width != given.get("features"):
        return None
    mean, std, steps = number(given.get("mean")), number(given.get("std")), log.layers.steps_of("act_mean")
    values = _output(log, "act_mean")
    answers = number(typical(values[late(log, steps)])) if values.size else None
    if mean is None or not std or answers is None or abs(mean) < AWAY * std or abs(answers - mean) > NEAR * std:
        return None
    return number(given.get("feature_std_median")) or None


@signal(unit="share", **EVALS)
def majority_excess(log: RunLog) -> float | None:
    """Share of the most predicted class in the last three evaluations minus the share of the most frequent label."""
    shares = [e.get("majority_share") for e in log.evals[-LAST_EVALS:]]
    known = [float(s) for s in shares if isinstance(s, (int, float))]
    labels = [max(h) / sum(h) for h in (t.get("histogram") for t in _targets(log)) if h and sum(h)]
    return median(known) - labels[0] if known and labels else None


@signal(unit="logit", **OUTPUT)
def output_max(log: RunLog) -> float | None:
    """Largest absolute output, median of the last quarter of the run."""
    values = _output(log, "act_max")
    return typical(values[late(log, log.layers.steps_of("act_max"))]) if values.size else None


@signal(unit="ratio", **OUTPUT)
def output_growth(log: RunLog) -> float | None:
    """Largest absolute output of the last quarter of the run over that of the first tenth (medians)."""
    values, last = _output(log, "act_max"), output_max(log)
    first = typical(values[early(log, log.layers.steps_of("act_max"))]) if values.size else None
    return last / first if last is not None and first else None


@signal(unit="logit", **LOGITS, about="no-attention")
def attention_logit_max(log: RunLog) -> float | None:
    """Largest attention logit |q k| / sqrt(d) of any layer, median of the last quarter of the run."""
    values = act(log, "act_max", rows_of(log, frozenset({"attention_logits"})))
    chosen = values[late(log, log.layers.steps_of("act_max"))] if values.size else values
    return typical(np.nanmax(chosen, axis=1)) if chosen.size else None


@signal(unit="ratio", **LOGITS, about="no-attention")
def attention_logit_growth(log: RunLog) -> float | None:
    """Largest attention logit of the last quarter of the run over that of the first tenth."""
    values, last = act(log, "act_max", rows_of(log, frozenset({"attention_logits"}))), attention_logit_max(log)
    first = typical(np.nanmax(values[early(log, log.layers.steps_of("act_max"))], axis=1)) if values.size else None
    return last / first if last is not None and first else None
