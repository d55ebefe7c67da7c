"""The accuracy that a script prints, against what its own outputs and labels give in the same evaluations."""

import re

from trainadvisor.log.printed_figures import printed
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.input_data import inputs_of
from trainadvisor.signals.losses import judged_loss
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import median
from trainadvisor.signals.trivial_predictor import CLASSIFYING

NEEDS = {
    "needs": "an accuracy that the script prints at two evaluations, and one label an example",
    "zh": "脚本至少在两次验证时打印的准确率，且每个样本只有一个标签",
    "about": "nothing-printed",
}
FEWEST = 2
PERCENT = 100.0
# Outputs of one row an example.
DIMS = 2
_WORD = re.compile(r"[a-z]+|[0-9]+")
# What a metric may be called, by the name under which evaluations are recorded, and what may stand beside that.
NAMES = {
    "accuracy": ({"acc"}, {"accuracy"}),
    "r2": ({"r", "2"},),
    "dice": ({"dice"},),
    "iou": ({"iou"}, {"miou"}, {"jaccard"}),
}
BESIDE = {
    "val", "valid", "validation", "test", "eval", "evaluation", "dev", "score", "coeff", "coefficient", "mean", "avg",
    "average", "overall", "total", "the", "final", "set",
}  # fmt: skip

# The script's name, its last value, ours, and how far the two usually are apart.
Apart = tuple[str, float, float, float]


@remembered
def _furthest(log: RunLog) -> Apart | None:
    """Return the printed accuracy that is furthest from ours, where each example has one label.

    Other metrics are computed in several right ways: R2 and Dice over all values or as a mean over outputs and images.
    """
    pairs: dict[str, list[tuple[float, list[float]]]] = {}
    ours: dict[int, list[float]] = {}
    for record in log.evaluations:
        own = record["metrics"].get("accuracy")
        if isinstance(own, (int, float)):
            ours.setdefault(record["step"], []).append(float(own))
    for step, figures in printed(log.events, "held_out") if _one_label(log) else ():
        for name, value in figures.items() if step in ours else ():
            if recorded_as(name) == "accuracy":
                pairs.setdefault(name, []).append((value, ours[step]))
    apart = [_apart(name, both) for name, both in pairs.items() if len(both) >= FEWEST]
    return max(apart, key=lambda one: one[3], default=None)


def _one_label(log: RunLog) -> bool:
    """Return whether each example has one label: a batch of words has more of them than it has rows."""
    loss = judged_loss(log) or {}
    shape = (loss.get("prediction") or {}).get("shape") or []
    rows = (inputs_of(log, "train") or {}).get("shape") or []
    return loss.get("kind") in CLASSIFYING and len(shape) == DIMS and shape[:1] == rows[:1]


def recorded_as(name: str) -> str | None:
    """Return under which name evaluations are recorded with the metric that a script calls so; None: with none."""
    words = set(_WORD.findall(name.lower())) - BESIDE
    return next((kind for kind, names in NAMES.items() if words in names), None)


def _apart(name: str, both: list[tuple[float, list[float]]]) -> Apart:
    """Return how far an accuracy is from ours, of several evaluations at one step from the nearest."""
    unit, own_unit = _unit([told for told, _ in both]), _unit([own for _, ours in both for own in ours])
    nearest = [min(ours, key=lambda own: abs(told / unit - own / own_unit)) for told, ours in both]
    apart = [abs(told / unit - own / own_unit) for (told, _), own in zip(both, nearest, strict=True)]
    return name, both[-1][0], nearest[-1], float(median(apart))


def _unit(values: list[float]) -> float:
    return PERCENT if max(values) > 1 else 1.0


@signal(unit="name", **NEEDS)
def printed_metric(log: RunLog) -> str | None:
    """Name of the printed accuracy that is furthest from the recorder's own."""
    found = _furthest(log)
    return found[0] if found else None


@signal(unit="metric", **NEEDS)
def printed_metric_last(log: RunLog) -> float | None:
    """What the script printed for it at the last evaluation."""
    found = _furthest(log)
    return found[1] if found else None


@signal(unit="metric", **NEEDS)
def printed_metric_own(log: RunLog) -> float | None:
    """What outputs and labels of that evaluation give."""
    found = _furthest(log)
    return found[2] if found else None


@signal(unit="share", **NEEDS)
def printed_metric_apart(log: RunLog) -> float | None:
    """Median distance of the two over the evaluations, as a share: 1 is all of the scale."""
    found = _furthest(log)
    return found[3] if found else None
