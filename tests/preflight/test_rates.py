"""The learning rate of the first steps against the one that a range test suggests, at and beside the limits."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trainadvisor.judge.result import Diagnosis, Finding, Remedy
from trainadvisor.preflight import lr_suggestion
from trainadvisor.vocabulary import Severity


@pytest.mark.parametrize(
    ("rates", "own", "rising"),
    [
        ([], None, False), ([math.nan], None, False), ([0.0, 0.0], None, False), ([0.1] * 4, 0.1, False),
        ([0.0, 0.1, 0.2, 0.3], 0.3, True), ([0.1, 0.1, 0.2, 0.2], 0.2, False), ([0.2, 0.2, 0.2, 0.208], 0.208, False),
        ([0.2, 0.2, 0.2, 0.212], 0.212, True), ([0.3, 0.2, 0.1], 0.3, False), ([math.nan, 0.1], 0.1, False),
    ],
)  # fmt: skip
def test_the_rate_of_the_script(rates: list[float], own: float | None, rising: bool) -> None:
    """The largest; it rises where the last is more than a twentieth above the middle one."""
    log: Any = SimpleNamespace(lr=np.array(rates))
    assert lr_suggestion.own_rate(log) == (own, rising)


@pytest.mark.parametrize(
    ("arguments", "lowers"),
    [({"factor": 0.1}, True), ({"factor": 1}, False), ({"factor": 2.0}, False), ({"value": 0.05}, True),
     ({"value": 0.1}, False), ({"value": 1}, False), ({"value": "low"}, False), ({}, False),
     ({"factor": "x", "value": 0.01}, True)],
)  # fmt: skip
def test_remedies_that_lower_a_rate_of_a_tenth(arguments: dict[str, Any], lowers: bool) -> None:
    """By a factor below one, or to a value below it."""
    assert lr_suggestion._lowers(arguments, 0.1) is lowers


def finding(code: str, severity: str, change: str, **arguments: float) -> Finding:
    """Return a finding with one remedy."""
    remedy = Remedy(change=change, arguments=arguments, applies="adapt", text="t", edits=[])
    return Finding(
        code=code, family="optimization", kind="cause", severity=severity, confidence="certain", title="t",
        sentence="s", remedies=[remedy],
    )  # fmt: skip


def test_codes_that_ask_for_a_lower_rate() -> None:
    """Each once, no note, no other change, no higher rate."""
    found = [
        finding("a", "error", "lr", factor=0.1), finding("a", "warning", "lr", factor=0.1),
        finding("b", "note", "lr", factor=0.1), finding("c", "error", "clip", factor=0.1),
        finding("d", "error", "lr", factor=3.0), finding("e", "warning", "lr", value=0.01),
    ]  # fmt: skip
    diagnosis = Diagnosis(state="broken", summary="s", run={}, findings=found)
    assert lr_suggestion.agreeing(diagnosis, 0.1) == ["a", "e"]


def test_no_range_test_leaves_the_rate_of_the_script() -> None:
    """Of a range test its numbers are kept to six digits."""
    assert lr_suggestion.outcome(None, 0.1) == lr_suggestion.LearningRate(own=0.1)
    sweep: Any = SimpleNamespace(
        rates=[0.123456789], losses=[2.0], smooth=[1.5], suggestion=0.01, steepest=0.02, lowest=0.03, divergence=None
    )
    told = lr_suggestion.outcome(sweep, None)
    assert told.curve is not None
    assert (told.curve.rates, told.curve.losses, told.curve.smooth) == ([0.123457], [2.0], [1.5])
    assert (told.own, told.suggestion, told.steepest, told.lowest, told.divergence) == (None, 0.01, 0.02, 0.03, None)


@pytest.mark.parametrize(
    ("own", "suggestion", "codes", "state"),
    [
        (0.1, 0.1, ["a"], "passed"), (0.99, 0.1, ["a"], "passed"),
        (1.0, 0.1, ["a"], "passed"), (0.5, 5.0, ["a"], "passed"), (1.01, 0.1, ["a"], "failed"),
        (1.01, 0.1, [], "noted"), (0.0101, 0.1, ["a"], "passed"), (0.0099, 0.1, ["a"], "noted"),
    ],
)  # fmt: skip
def test_rates_that_are_compared(own: float, suggestion: float, codes: list[str], state: str) -> None:
    """Ten times too high fails where the first steps say so too; the rest is a word at most."""
    figures: dict[str, Any] = {"own": own, "suggestion": suggestion, "lowest": suggestion, "divergence": None}
    told = lr_suggestion._compared(figures, codes, "en")
    assert (told.state, told.severity) == {
        "passed": ("passed", None), "noted": ("passed", Severity.NOTE), "failed": ("failed", Severity.ERROR)
    }[state]  # fmt: skip
    assert told.findings == (codes if state == "failed" else [])
