"""Compares the script's own learning rate with the suggestion of a range test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.i18n.language import say
from trainadvisor.preflight.preflight_result import Check, Curve, LearningRate
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.log.reader import RunLog
    from trainadvisor.preflight.lr_range_test import Sweep

# Factor between the script's rate and the suggestion, up or down, from which it is reported.
OFF = 10.0
STILL_RISING = 1.05
TOO_HIGH = "lr-too-high"
DIGITS = 6


def own_rate(log: RunLog) -> tuple[float | None, bool]:
    """Return the largest rate of the first steps, and whether the rate is still rising at their end."""
    rates = log.lr[np.isfinite(log.lr)]
    if not rates.size or rates.max() <= 0:
        return None, False
    middle = float(rates[rates.size // 2])
    return float(rates.max()), bool(rates[-1] > STILL_RISING * middle)


def outcome(sweep: Sweep | None, own: float | None) -> LearningRate:
    """Return the numbers of a range test."""
    if sweep is None:
        return LearningRate(own=own)
    columns = {"rates": sweep.rates, "losses": sweep.losses, "smooth": sweep.smooth}
    return LearningRate(
        own=own,
        suggestion=sweep.suggestion,
        steepest=sweep.steepest,
        lowest=sweep.lowest,
        divergence=sweep.divergence,
        curve=Curve(**{name: [float(f"{value:.{DIGITS}g}") for value in values] for name, values in columns.items()}),
    )


def agreeing(diagnosis: Diagnosis, own: float) -> list[str]:
    """Return the alarming codes whose remedy is a lower rate; the first steps cannot show that a rate is too low."""
    found = [
        item.code
        for item in diagnosis.walk()
        for remedy in (item.remedies if item.severity != "note" else ())
        if remedy.change == "lr" and _lowers(remedy.arguments, own)
    ]
    return [*dict.fromkeys(found)]


def _lowers(arguments: dict[str, Any], own: float) -> bool:
    factor, value = arguments.get("factor"), arguments.get("value")
    if isinstance(factor, int | float):
        return factor < 1
    return isinstance(value, int | float) and value < own


def check(
    rate: LearningRate | None,
    diagnosis: Diagnosis,
    lang: str,
    *,
    rising: bool = False,
    reason: str = "no-time",
    codes: Iterable[str] = (),
) -> Check:
    """Compare the rates; a rate that is far off fails only if the diagnosis of the first steps agrees."""
    if rate is None or rate.curve is None:
        told = ("、" if lang == "zh" else ", ").join(codes)
        key = reason if rate is None else "not-raised"
        return Check(name="learning-rate", state="not-judged", sentence=say(f"preflight.rate.{key}", lang, codes=told))
    names = ("own", "suggestion", "lowest", "divergence")
    figures: dict[str, Any] = {name: getattr(rate, name) for name in names}
    if rate.suggestion is None:
        text = say("preflight.rate.flat", lang, steps=len(rate.curve.rates))
        return Check(name="learning-rate", state="not-judged", sentence=text, figures=figures)
    if rate.own is None or rising:
        text = say("preflight.rate.rising" if rising else "preflight.rate.only", lang, **figures)
        return Check(name="learning-rate", state="passed", sentence=text, figures=figures)
    return _compared(figures, agreeing(diagnosis, rate.own), lang)


def leading(failing: Iterable[Check], diagnosis: Diagnosis | None, explained: Collection[str]) -> Check | None:
    """Return the failed comparison of the rates where too high a rate explains what the first steps show first."""
    first = diagnosis.findings[0].code if diagnosis and diagnosis.findings else None
    rates = (check for check in failing if check.name == "learning-rate" and TOO_HIGH in check.findings)
    return next((check for check in rates if first == TOO_HIGH or first in explained), None)


def shuffled_apart(without: Sweep, shared: Sweep, lang: str) -> Check:
    """Report rows and labels shuffled in different orders: the loss falls with a single order, but at no rate."""
    figures: dict[str, Any] = {"steps": len(without.rates), "best": without.best, "shared": shared.best}
    text = say("preflight.rate.shuffled-apart", lang, **figures)
    return Check(name="learning-rate", state="failed", severity=Severity.ERROR, sentence=text, figures=figures,
                 findings=["label-problem"])  # fmt: skip


def _compared(figures: dict[str, Any], agree: list[str], lang: str) -> Check:
    times = figures["own"] / figures["suggestion"]
    falling = figures["own"] < figures["lowest"]
    if times >= 1 / OFF and (times <= OFF or falling):
        text = say("preflight.rate.suggested" if times <= OFF else "preflight.rate.falling", lang, **figures)
        return Check(name="learning-rate", state="passed", sentence=text, figures=figures)
    high = times > 1
    text = say(
        "preflight.rate.high" if high else "preflight.rate.low", lang, factor=times if high else 1 / times, **figures
    )
    if not high or not agree:
        return Check(name="learning-rate", state="passed", severity=Severity.NOTE, sentence=text, figures=figures)
    text = say("preflight.rate.agreed", lang, sentence=text, codes=("、" if lang == "zh" else ", ").join(agree))
    return Check(
        name="learning-rate", state="failed", severity=Severity.ERROR, sentence=text, figures=figures, findings=agree
    )
