"""Metrics that a script prints, against what its own outputs and targets give in the same evaluations."""

import re

from trainadvisor.log.printed_figures import printed
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.input_data import inputs_of
from trainadvisor.signals.losses import judged_loss
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import median

NEEDS = {
    "needs": "a metric that the script prints at two evaluations",
    "zh": "脚本至少在两次验证时打印的指标",
    "about": "nothing-printed",
}
FEWEST = 2
PERCENT = 100.0
# Of one example one answer: outputs of a row each, or of one value.
MOST_DIMS = 2
_WORD = re.compile(r"[a-z]+|[0-9]+")
# What a metric may be called, by the name under which evaluations are recorded, and what may stand beside that.
NAMES = {
    "accuracy": ({"acc"}, {"accuracy"}),
    "r2": ({"r", "2"},),
    "dice": ({"dice"},),
    "iou": ({"iou"}, {"jaccard"}),
}
BESIDE = {
    "val", "valid", "validation", "test", "eval", "evaluation", "dev", "score", "coeff", "coefficient", "mean", "avg",
    "average", "overall", "total", "the", "final", "set",
}  # fmt: skip

# The script's name, its last value, ours, and how far the two usually are apart.
Apart = tuple[str, float, float, float]


@remembered
def _furthest(log: RunLog) -> Apart | None:
    """Return the metric that is furthest from ours; an accuracy only where each example has one answer."""
    pairs: dict[tuple[str, str], list[tuple[float, list[float]]]] = {}
    for step, figures in printed(log.events, "held_out"):
        for name, value in figures.items():
            kind = recorded_as(name)
            ours = [record["metrics"].get(kind) for record in log.evaluations if record["step"] == step]
            known = [float(own) for own in ours if isinstance(own, (int, float))]
            if kind is not None and known:
                pairs.setdefault((kind, name), []).append((value, known))
    alone = _one_answer(log)
    apart = [_apart(kind, name, both) for (kind, name), both in pairs.items() if kind != "accuracy" or alone]
    return max((one for one in apart if one is not None), key=lambda one: one[3], default=None)


def _one_answer(log: RunLog) -> bool:
    """Return whether each example has one answer: a batch of words has more of them than it has rows."""
    shape = ((judged_loss(log) or {}).get("prediction") or {}).get("shape") or []
    rows = (inputs_of(log, "train") or {}).get("shape") or []
    return 0 < len(shape) <= MOST_DIMS and shape[:1] == rows[:1]


def recorded_as(name: str) -> str | None:
    """Return under which name evaluations are recorded with the metric that a script calls so; None: with none."""
    words = set(_WORD.findall(name.lower())) - BESIDE
    return next((kind for kind, names in NAMES.items() if words in names), None)


def _apart(kind: str, name: str, both: list[tuple[float, list[float]]]) -> Apart | None:
    """Return how far a metric is from ours, of several evaluations at one step from the nearest."""
    if len(both) < FEWEST:
        return None
    unit, own_unit = _unit(kind, [told for told, _ in both]), _unit(kind, [own for _, ours in both for own in ours])
    nearest = [min(ours, key=lambda own: abs(told / unit - own / own_unit)) for told, ours in both]
    apart = [abs(told / unit - own / own_unit) for (told, _), own in zip(both, nearest, strict=True)]
    return name, both[-1][0], nearest[-1], float(median(apart))


def _unit(kind: str, values: list[float]) -> float:
    return PERCENT if kind != "r2" and max(values) > 1 else 1.0


@signal(unit="name", **NEEDS)
def printed_metric(log: RunLog) -> str | None:
    """Name of the printed accuracy, R2, Dice or IoU that is furthest from the recorder's own."""
    found = _furthest(log)
    return found[0] if found else None


@signal(unit="metric", **NEEDS)
def printed_metric_last(log: RunLog) -> float | None:
    """What the script printed for it at the last evaluation."""
    found = _furthest(log)
    return found[1] if found else None


@signal(unit="metric", **NEEDS)
def printed_metric_own(log: RunLog) -> float | None:
    """What outputs and targets of that evaluation give."""
    found = _furthest(log)
    return found[2] if found else None


@signal(unit="share", **NEEDS)
def printed_metric_apart(log: RunLog) -> float | None:
    """Median distance of the two over the evaluations, as a share: 1 is all of the scale."""
    found = _furthest(log)
    return found[3] if found else None
