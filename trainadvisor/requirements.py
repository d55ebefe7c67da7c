"""Conditions on the metrics of a run, as required by a gate: `val_loss<=0.3`, `step_time_p95 <= 60 ms`."""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError, did_you_mean
from trainadvisor.figures import short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# name in a requirement: (fact of the run, the unit in which it is stored)
METRICS = {
    "loss": ("loss_final", ""),
    "loss_best": ("loss_best", ""),
    "val_loss": ("val_loss_final", ""),
    "val_loss_best": ("val_loss_best", ""),
    "val_accuracy": ("val_accuracy_final", ""),
    "val_accuracy_best": ("val_accuracy_best", ""),
    "accuracy": ("train_accuracy_final", ""),
    "gap": ("generalization_gap", ""),
    "skill": ("skill", ""),
    "steps": ("steps", ""),
    "grad_norm": ("grad_norm_median", ""),
    "update_ratio": ("update_ratio_median", ""),
    "step_time": ("step_seconds", "s"),
    "step_time_p50": ("step_time_p50", "s"),
    "step_time_p95": ("step_time_p95", "s"),
    "step_time_p99": ("step_time_p99", "s"),
    "wait": ("wait_share", ""),
    "overhead": ("overhead", ""),
    "memory": ("memory", "MB"),
    "dead_units": ("dead_unit_share_worst", ""),
}
# What others call a metric.
ALIASES = {
    "train_loss": "loss",
    "training_loss": "loss",
    "validation_loss": "val_loss",
    "eval_loss": "val_loss",
    "val_acc": "val_accuracy",
    "validation_accuracy": "val_accuracy",
    "eval_accuracy": "val_accuracy",
    "acc": "accuracy",
    "train_acc": "accuracy",
    "train_accuracy": "accuracy",
}
# Metrics of evaluations that a log names itself, by the word that tells what they are.
MEASURED = frozenset({
    "acc", "auc", "auroc", "f1", "map", "map50", "ap", "precision", "recall", "iou", "miou", "dice", "bleu", "rouge1",
    "rouge2", "rougel", "wer", "cer", "perplexity", "ppl", "mae", "mse", "rmse", "r2", "psnr", "ssim", "top1", "top5",
    "mcc", "kappa", "chrf", "meteor", "ndcg", "mrr", "reward", "score",
})  # fmt: skip
HELD_OUT = frozenset({"val", "valid", "validation", "eval", "evaluation", "test", "dev"})
WORDS = {"accuracy": "acc"}
TIMING = frozenset({"step_time", "step_time_p50", "step_time_p95", "step_time_p99", "wait", "overhead", "memory"})
# unit in a requirement: (unit it converts to, factor)
UNITS = {"": ("", 1.0), "%": ("", 0.01), "s": ("s", 1.0), "ms": ("s", 1e-3), "us": ("s", 1e-6), "min": ("s", 60.0)}
UNITS |= {"kB": ("MB", 1e-3), "MB": ("MB", 1.0), "GB": ("MB", 1e3)}
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
SHAPE = re.compile(
    r"\s*(?P<metric>[a-z]\w*)\s*(?P<op><=|>=|==|!=|<|>)\s*(?P<number>[-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?P<unit>%|[A-Za-z]*)\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Requirement:
    """A metric, a comparison, and a limit (in the unit in which the metric is stored)."""

    metric: str
    op: str
    limit: float
    text: str

    @property
    def timing(self) -> bool:
        """Return whether it is about speed or memory, which are comparable only on the same kind of device."""
        return self.metric in TIMING

    def value(self, run: Mapping[str, object]) -> float | None:
        """Return the metric of a run, None when it was not recorded."""
        found = run.get(METRICS[self.metric][0]) if self.metric in METRICS else None
        if found is None and (self.metric not in METRICS or self.metric == "val_accuracy"):
            found = _named(self.metric, run.get("val_metrics"))
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None

    def holds(self, value: float) -> bool:
        """Return whether a value satisfies the requirement."""
        return OPERATORS[self.op](value, self.limit)


def _named(metric: str, recorded: object) -> object:
    """Return the one of the recorded metrics that a name means, with or without "val"; None where several do."""
    if not isinstance(recorded, dict):
        return None
    if metric in recorded:
        return recorded[metric]
    found = [value for name, value in recorded.items() if _words(str(name)) == _words(metric)]
    return found[0] if len(found) == 1 else None


def _words(name: str) -> frozenset[str]:
    """Return the words that tell what a metric of an evaluation is."""
    words = (WORDS.get(word, word) for word in re.split(r"[^a-z0-9]+", name.lower()))
    return frozenset(words) - HELD_OUT - {""}


def parse(text: str) -> Requirement:
    """Parse a requirement; raise UsageError if it is invalid."""
    found = SHAPE.fullmatch(text)
    number = _number(found["number"]) if found else None
    if found is None or number is None:
        message = f"requirement {text!r:.200} cannot be read; write it like val_loss<=0.3 or step_time_p95<=60ms"
        raise UsageError(message)
    metric = ALIASES.get(found["metric"], found["metric"])
    if metric not in METRICS and not _words(metric) & MEASURED:
        hint = f"{did_you_mean(metric, METRICS)}; known are {', '.join(METRICS)}"
        message = f"requirement {text!r}: no figure is called {metric}{hint}"
        raise UsageError(message)
    said = " ".join(text.split()) + (f" ({metric})" if metric != found["metric"] else "")
    return Requirement(metric, found["op"], number * _factor(text, metric, found["unit"]), said)


def _unit(metric: str) -> str:
    return METRICS[metric][1] if metric in METRICS else ""


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _factor(text: str, metric: str, unit: str) -> float:
    kind, factor = UNITS.get(unit, (None, 1.0))
    wanted = _unit(metric)
    if kind != wanted and not (unit == "" and wanted == "MB"):
        known = [name for name, (other, _) in UNITS.items() if other == wanted and name]
        message = f"requirement {text!r}: {metric} is measured in {' or '.join(known) or 'plain numbers'}"
        raise UsageError(message)
    return factor


def shown(metric: str, value: float) -> str:
    """Return a value with its unit, in readable form."""
    unit = _unit(metric)
    if unit == "s":
        return f"{short(1000 * value)} ms" if value < 1 else f"{value:.3g} s"
    if unit:
        return f"{value:.0f} {unit}"
    return f"{100 * value:.3g} %" if metric in ("overhead", "wait", "dead_units") else short(value, 4)
