"""The one-batch experiment: a correctly wired network can memorize a single batch."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts
from trainadvisor.signals.trivial_predictor import main_loss

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from trainadvisor.log.reader import RunLog

FITS, STUCK, OPEN = "fits", "stuck", "open"
# Kinds of training in which the loss on one batch need not fall.
NO_SUCH_TEST = ("adversarial", "reinforcement", "contrastive", "likelihood")
# Thresholds of the skill on the batch: learned (half of the trivial loss is gone), and hardly anything learned.
LEARNT, NOTHING = 0.5, 0.1
# The same for a loss whose trivial level is unknown, as shares of its first value.
HALVED, UNMOVED = 0.5, 0.01
EXACT = 0.95
NEAR = 0.1
FEWEST = 20
PARAMETERS_A_TARGET = 10
DOUBTS = ("slow", "floor-unknown")


@dataclass(frozen=True)
class Fit:
    """How well one batch was learned; `reason` is the key of a text if that is undecided."""

    verdict: str
    first: float | None = None
    final: float | None = None
    skill: float | None = None
    steps: int = 0
    reason: str = ""
    # Whether the model is large enough to memorize any batch.
    roomy: bool = False

    @property
    def hardly(self) -> bool:
        """Return whether almost nothing was learned, as far as this loss shows."""
        if self.first is None or self.final is None or not self.first:
            return self.verdict == STUCK
        slow = self.first - self.final < NOTHING * abs(self.first)
        return self.verdict == STUCK or (self.verdict == OPEN and self.reason in DOUBTS and slow)


def fit_of(log: RunLog, *, kinds: Iterable[str] = ()) -> Fit:
    """Judge the log of a one-batch run; `kinds` are the contexts of the script, if known."""
    unfit = sorted({*kinds, *contexts(log)} & set(NO_SUCH_TEST))
    if unfit:
        return Fit(OPEN, reason=f"kind.{unfit[0]}")
    signals = Signals(log)
    facts: dict[str, Any] = {name: signals.get(name) for name in ("loss_start", "loss_final", "skill", "loss_steps")}
    steps = facts["loss_steps"] or 0
    if not took_effect(log, "one-batch"):
        return Fit(OPEN, reason="not-held" if log.all_steps_count > 1 or _refused(log, "one-batch") else "too-few")
    fit = Fit(OPEN, facts["loss_start"], facts["loss_final"], facts["skill"], steps, roomy=_roomy(log, signals))
    if signals.get("loss_nonfinite"):
        return replace(fit, verdict=STUCK)
    if steps < FEWEST or fit.first is None or fit.final is None:
        return replace(fit, reason="too-few")
    verdict, reason = _verdict(fit.first, fit.final, signals)
    return replace(fit, verdict=verdict, reason=reason)


def took_effect(log: RunLog, change: str) -> bool:
    """Return whether a trial's log confirms that its change was applied."""
    return any(detail.get("applied") for detail in _told(log, change))


def _refused(log: RunLog, change: str) -> bool:
    return any(detail.get("refused") for detail in _told(log, change))


def _told(log: RunLog, change: str) -> list[dict[str, Any]]:
    return [event["detail"] for event in log.events if event["kind"] == "change" and event["subject"] == change]


def _roomy(log: RunLog, signals: Signals) -> bool:
    """Return whether the model has enough parameters for every target of a batch, and more than a linear map."""
    parameters, loss = signals.get("parameter_count"), main_loss(log)
    shape = ((loss or {}).get("target") or {}).get("shape") or []
    if not isinstance(parameters, int) or not shape or signals.get("nonlinear_ops") == 0:
        return False
    return bool(parameters >= PARAMETERS_A_TARGET * math.prod(shape))


def _verdict(first: float, final: float, signals: Signals) -> tuple[str, str]:
    fall = (first - final) / abs(first) if first else 0.0
    skill = signals.get("skill")
    if isinstance(skill, float):
        good = skill > LEARNT or _accuracy(signals) > EXACT
        # only if the trivial loss is that of the whole loss, a fall down to it may mean nothing
        exact = signals.get("trivial_loss") is not None
        stuck = skill < NOTHING and (exact or fall < NOTHING)
        return (FITS, "") if good else (STUCK, "") if stuck else (OPEN, "slow")
    return (FITS, "") if fall > HALVED else (STUCK, "") if fall < UNMOVED else (OPEN, "floor-unknown")


def _accuracy(signals: Signals) -> float:
    accuracy = signals.get("train_accuracy_final")
    return accuracy if isinstance(accuracy, float) else 0.0


def learns_at_some_rate(log: RunLog) -> bool:
    """Judge the one-batch run with a rising learning rate: whether the loss falls at any rate."""
    from trainadvisor.preflight.lr_range_test import sweep_of

    sweep = sweep_of(log)
    if sweep is None or not took_effect(log, "one-batch"):
        return True  # nothing was demonstrated
    trivial = Signals(log).get("trivial_loss")
    start = min(sweep.start, trivial) if isinstance(trivial, float) else sweep.start
    return sweep.steepest is not None and sweep.best < start - NEAR * abs(start)
