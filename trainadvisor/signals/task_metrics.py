"""What the task is measured by (F1, accuracy, Dice, ...) while the validation loss goes its way: metrics outrank it."""

import re

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.evaluations import SOME, best_place, smooth, validation
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, median
from trainadvisor.signals.trivial_predictor import graded

NEEDS = {"needs": "a metric and a loss of five evaluations", "zh": "至少五次验证的指标与损失"}
LOWER = frozenset(
    {"loss", "error", "err", "mse", "rmse", "mae", "nll", "bce", "perplexity", "ppl", "cost", "wer", "cer"}
)
# Metrics that say the same as the loss, or as another metric.
OF_THE_LOSS = frozenset({"r2", "iou", "loss", "nll", "bce", "perplexity", "ppl", "mse"})
# Least noise of a metric, as a share of its level.
LEAST_STEP = 1e-3

_WORD = re.compile(r"[a-z0-9]+")


def _words(name: str) -> set[str]:
    return set(_WORD.findall(name.lower()))


def is_of_the_loss(name: str) -> bool:
    """Return whether a metric says the same as the loss or as another metric."""
    return bool(_words(name) & OF_THE_LOSS)


@remembered
def _metric(log: RunLog) -> tuple[str, Series] | None:
    """Return the first metric that the script gives, else the first recorded one, at the evaluations with a loss."""
    evals = [e for e in log.evals if isinstance(e.get("loss"), (int, float)) and np.isfinite(e["loss"])]
    for name in dict.fromkeys(name for e in evals for name in e["metrics"]):
        told = [e["metrics"].get(name) for e in evals]
        known = [v for v in told if isinstance(v, (int, float)) and np.isfinite(v)]
        if len(known) == len(evals) >= SOME and not is_of_the_loss(name):
            return name, np.array(known, dtype=np.float64)
    return None


@signal(unit="word", **NEEDS)
def task_metric(log: RunLog) -> str | None:
    """Name of the metric that the evaluations have beside their loss."""
    found = _metric(log)
    return found[0] if found else None


@signal(unit="metric", **NEEDS)
def metric_at_best_loss(log: RunLog) -> float | None:
    """The metric at the evaluation with the lowest loss."""
    found = _metric(log)
    return float(found[1][np.argmin(validation(log)[1])]) if found else None


@signal(unit="metric", **NEEDS)
def metric_final(log: RunLog) -> float | None:
    """The metric of the last evaluation."""
    found = _metric(log)
    return float(found[1][-1]) if found else None


@signal(unit="standard deviations", **NEEDS)
def metric_gain_z(log: RunLog) -> float | None:
    """How much better the metric got after the evaluation with the lowest loss, in units of its noise.

    By running medians of three; the noise of an evaluation is taken from second differences.
    """
    found = _metric(log)
    if found is None:
        return None
    name, values = found
    values = -values if _words(name) & LOWER else values
    gain = float(median(values[-3:]) - smooth(values)[best_place(validation(log)[1])])
    least = max(LEAST_STEP * float(np.abs(values).max()), 1e-12)
    return float(np.clip(gain / max(robust_statistics.step_noise(values), least), -1e6, 1e6))


@signal(
    unit="share", needs="masks of two classes and the overlap that the evaluations show", zh="二类掩码与评估中的重叠度"
)
def dice_gain(log: RunLog) -> float | None:
    """Share of the way from the Dice of marking every pixel to a perfect one that the last evaluation has come."""
    told = log.evals[-1]["metrics"].get("dice") if log.evals else None
    share = ((graded(log)[0] or {}).get("target") or {}).get("mean")
    if (
        not isinstance(told, (int, float))
        or not isinstance(share, (int, float))
        or not (0 <= told <= 1 and 0 < share < 1)
    ):
        return None
    every = 2 * share / (1 + share)
    return (told - every) / (1 - every)
