"""Capacity of the model and its state in evaluation mode: widths, size, running statistics of batch norm."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

NEEDS = {"needs": "the layers of the model", "zh": "模型的各层"}
DEFAULT_MOMENTUM = 0.1
WIDTHS = ("out_features", "out_channels", "hidden_size")


def _layers(log: RunLog) -> list[dict[str, Any]]:
    return list((log.model or {}).get("layers") or [])


def _width(layer: dict[str, Any]) -> float | None:
    facts = layer.get("facts") or {}
    return next((number(facts[name]) for name in WIDTHS if name in facts), None)


@signal(unit="units", **NEEDS)
def hidden_width_min(log: RunLog) -> int | None:
    """Units of the narrowest hidden layer (the last layer with units is the output and does not count)."""
    widths = [width for layer in _layers(log) if (width := _width(layer)) is not None]
    return int(min(widths[:-1])) if len(widths) > 1 else None


@signal(unit="parameters", **NEEDS)
def parameter_count(log: RunLog) -> int | None:
    """Number of trainable parameters (scalars) in the main model."""
    found = [p for p in (log.model or {}).get("parameters") or [] if p.get("trainable")]
    return sum(int(p.get("count") or 0) for p in found) if found else None


def _batch_norms(log: RunLog) -> list[dict[str, Any]]:
    return [layer for layer in _layers(log) if "BatchNorm" in str(layer.get("kind"))]


@signal(unit="ratio", needs="the batch norm layers of the model", zh="模型的批归一化层")
def norm_momentum(log: RunLog) -> float | None:
    """Smallest momentum of the batch norm layers: the share of a new batch in the running statistics."""
    facts = [layer.get("facts") or {} for layer in _batch_norms(log)]
    known = [value for f in facts if (value := number(f.get("momentum", DEFAULT_MOMENTUM))) is not None]
    return min(known, default=None)


@signal(unit="share", needs="the batch norm layers of the model, and the number of steps", zh="模型的批归一化层与步数")
def norm_initial_share(log: RunLog) -> float | None:
    """Share of the initial mean and variance still in the running statistics at the end: (1 - momentum)^steps.

    0 where no layer keeps running statistics, or loaded ones.
    """
    momentum = norm_momentum(log)
    if log.model is None:
        return None
    if momentum is None or log.model.get("loaded"):
        return 0.0
    return float((1 - min(max(momentum, 0.0), 1.0)) ** log.all_steps_count)


@signal(unit="ratio", needs="the batch norm layers of the model, and the number of steps", zh="模型的批归一化层与步数")
def norm_momentum_needed(log: RunLog) -> float | None:
    """Momentum that leaves 1 % of the initial running statistics after a quarter of the run."""
    if norm_momentum(log) is None or not log.all_steps_count:
        return None
    return float(1 - 0.01 ** (4 / max(log.all_steps_count, 4)))
