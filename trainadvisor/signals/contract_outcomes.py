"""What the active tests of a preflight have shown of the model."""

from typing import Any

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

TESTS = {
    "needs": "the active tests, which trainadvisor preflight makes",
    "zh": "由 trainadvisor preflight 进行的主动测试",
}


def _test(log: RunLog, name: str) -> dict[str, Any]:
    told = [event["detail"] for event in log.events if event["kind"] == "contract" and event["subject"] == name]
    return told[-1] if told else {}


def _figure(log: RunLog, test: str, name: str) -> float:
    """Return a number of a test that was failed, else 0: a branch that rests on it can only add to what is found."""
    detail = _test(log, test)
    figures = detail.get("figures")
    if not isinstance(figures, dict) or detail.get("state") != "failed":
        return 0.0
    return number(figures.get(name)) or 0.0


@signal(unit="examples", **TESTS)
def examples_mixed_by_test(log: RunLog) -> float:
    """Other examples on which the answer for one depends in eval mode; 0 unless a test shows it."""
    return _figure(log, "independence", "touched")


@signal(unit="places", **TESTS)
def future_seen_by_test(log: RunLog) -> float:
    """Later places on which an answer in a sequence depends whose label is next; 0 unless a test shows it."""
    return _figure(log, "causality", "touched")


@signal(unit="share", **TESTS)
def dropped_by_test(log: RunLog) -> float:
    """Part of their spread by which dropout parts two answers in eval mode; 0 unless a test shows it."""
    return _figure(log, "determinism", "share")
