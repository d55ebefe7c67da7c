"""What a model loses of an earlier training of the same process while it learns something else."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.evaluation_records import TRAIN
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.curves import FEW, SOME, noise
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import Series, median

EARLIER = {
    "needs": "an earlier training of the same model in the process, whose data is still evaluated",
    "zh": "同一进程中该模型的一次更早的训练，且其数据仍在评估",
}
Evaluations = list[dict[str, Any]]
# Losses of a constant answer on two draws of n labels differ by 0.18 to 0.66 / sqrt(n) of themselves at most: six
# made-up texts in 512 to 16,384 places and ten classes in 100 to 2000 labels, thirty pairs of draws each.
NEAR = 0.7


@dataclass
class _Loss:
    """A held-out loss at the end of an earlier training and now, that of a constant answer, the rise in noises."""

    then: float
    now: float
    trivial: Any
    rise: float


def _series(evaluations: Evaluations) -> dict[Any, Evaluations]:
    """Return the evaluations with a loss by their series, but those on training data."""
    found: dict[Any, Evaluations] = {}
    for record in evaluations:
        loss = record.get("loss")
        if record.get("split") != TRAIN and isinstance(loss, int | float) and np.isfinite(loss):
            found.setdefault(record.get("series"), []).append(record)
    return found


def _is_same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two evaluations are of one model on as many examples with the same labels, or of one series."""
    told = ("model", "loss_id", "examples", "trivial")
    alike = all(one.get(name) is not None and one.get(name) == other.get(name) for name in told)
    return alike or (one.get("series") is not None and one.get("series") == other.get("series"))


def _values(evaluations: Evaluations) -> Series:
    return np.array([record["loss"] for record in evaluations], dtype=np.float64)


def _lost(log: RunLog) -> Iterator[_Loss]:
    """Yield for each series of an earlier training what it was and is."""
    before = list(_series([e for e in log.told_evals if e["step"] <= log.renewed_at]).values())
    known = list(_series(_since(log)).values())
    for now in known:
        then = next((old for old in reversed(before) if _is_same(old[-1], now[0])), None)
        then = then or _only_alike(before, known, now)
        values = _values(now)
        if then is not None and values.size >= SOME:
            last, start = median(values[-FEW:]), float(then[-1]["loss"])
            yield _Loss(start, last, then[-1].get("trivial"), (last - start) / noise(values))


def _since(log: RunLog) -> Evaluations:
    """Return the evaluations of this training: where one place trains several times, those of the last time."""
    return [e for e in log.evaluations if e["step"] > log.renewed_at or log.renewed_at == log.phase.first]


def _only_alike(before: list[Evaluations], known: list[Evaluations], now: Evaluations) -> Evaluations | None:
    """Return the earlier evaluations on batches drawn anew of the same data: of several, those alone are alike."""
    old = [series for series in before if _is_near(series[-1], now[0])]
    new = [series for series in known if old and _is_near(old[-1][-1], series[0])]
    return old[-1] if len(old) == len(new) == 1 < len(known) else None


def _is_near(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two evaluations are of one model, on as many examples whose constant answer costs as much."""
    first, second = (number(e.get("trivial")) for e in (one, other))
    same = all(one.get(name) == other.get(name) for name in ("model", "loss_id", "examples"))
    count = number(one.get("examples"))
    return same and bool(count and first and second and abs(first - second) * math.sqrt(count) < NEAR * abs(second))


def _is_learning(log: RunLog) -> bool:
    """Return whether some held-out loss of this training falls beyond its noise."""
    known = [_values(now) for now in _series(_since(log)).values() if len(now) >= SOME]
    return any(median(values[-FEW:]) < values[0] - SOME * noise(values) for values in known)


@remembered
def _worst(log: RunLog) -> _Loss | None:
    found = list(_lost(log)) if _is_learning(log) else []
    return max(found, key=lambda told: told.now - told.then, default=None)


@signal(unit="loss", **EARLIER)
def earlier_loss_then(log: RunLog) -> float | None:
    """Held-out loss of an earlier training at its end, of the one that has risen most since."""
    worst = _worst(log)
    return None if worst is None else worst.then


@signal(unit="loss", **EARLIER)
def earlier_loss_now(log: RunLog) -> float | None:
    """The same held-out loss at the end of this training: the median of the last three evaluations."""
    worst = _worst(log)
    return None if worst is None else worst.now


@signal(unit="standard errors", **EARLIER)
def earlier_loss_rise_noises(log: RunLog) -> float | None:
    """Rise of this loss from the end of the earlier training to that of this one, in noises of one evaluation."""
    worst = _worst(log)
    return None if worst is None else max(min(worst.rise, 1e6), -1e6)


@signal(unit="share", **EARLIER)
def earlier_lost_share(log: RunLog) -> float | None:
    """Part of what an earlier training had cut from the held-out loss of a constant answer that is gone; 1: all."""
    worst = _worst(log)
    trivial = None if worst is None else number(worst.trivial)
    if worst is None or trivial is None or trivial <= worst.then:
        return None
    return min((worst.now - worst.then) / (trivial - worst.then), 1.0)
