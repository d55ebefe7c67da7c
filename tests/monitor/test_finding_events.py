"""Findings of one look after the other: what opens, worsens and clears is told once, statistics when they have held."""

from __future__ import annotations

from typing import Any

import pytest

from trainadvisor.judge.result import Finding
from trainadvisor.monitor.finding_events import FindingEvent, FindingLedger, worst_severity


def finding(code: str = "a", severity: str = "error", **fields: Any) -> Finding:
    """Return a finding that rests on statistics, unless other fields are given."""
    plain = {"family": "x", "kind": "cause", "confidence": "likely", "title": code, "sentence": code}
    return Finding.model_validate({**plain, "code": code, "severity": severity, **fields})


def told(events: list[FindingEvent]) -> list[tuple[str, str, int]]:
    """Return what was told of which finding at which step."""
    return [(event.kind, event.finding.code, event.step) for event in events]


@pytest.mark.parametrize("sure", [{"confidence": "certain"}, {"handling": {"evidence": "direct"}}])
def test_what_was_seen_is_told_at_once_and_once(sure: dict[str, Any]) -> None:
    """Calls, shapes and values that are not finite need no second look."""
    ledger = FindingLedger()
    assert told(ledger.update([finding(**sure)], 20, 0.0)) == [("opened", "a", 20)]
    assert told(ledger.update([finding(**sure)], 40, 0.0)) == []


def test_statistics_have_to_hold_for_fifty_steps() -> None:
    """A look between that does not find it begins the count anew."""
    ledger = FindingLedger()
    looks = [(20, [finding()]), (40, []), (60, [finding()]), (109, [finding()]), (110, [finding()])]
    assert [told(ledger.update(found, step, 0.0)) for step, found in looks] == [[], [], [], [], [("opened", "a", 110)]]


def test_or_for_a_minute_where_steps_are_long() -> None:
    """Ten seconds a step must not mean eight minutes."""
    ledger = FindingLedger()
    assert [told(ledger.update([finding()], step, 10.0 * step)) for step in (1, 6, 7)] == [[], [], [("opened", "a", 7)]]


def test_at_the_end_everything_is_told() -> None:
    """There is no later look; what was open stays told."""
    ledger = FindingLedger()
    ledger.update([finding("b", confidence="certain")], 10, 0.0)
    late = [finding("a"), finding("b", confidence="certain"), finding("c", handling={"phase": "end"})]
    assert told(ledger.update(late, 12, 1.0, final=True)) == [("opened", "a", 12), ("opened", "c", 12)]


def test_how_a_run_ends_is_not_told_before() -> None:
    """Not even when it holds for long; what it explains is told in its place."""
    ledger = FindingLedger()
    cause = finding("seen", confidence="certain")
    found = [finding("how-it-ends", handling={"phase": "end"}, explains=[cause.model_dump()])]
    events = [told(ledger.update(found, step, 100.0 * step)) for step in (10, 500)]
    assert events == [[("opened", "seen", 10)], []]


def test_a_note_is_no_news() -> None:
    """It is a hint."""
    assert FindingLedger().update([finding(severity="note", confidence="certain")], 10, 0.0) == []


def test_a_finding_that_worsens_is_told_again_and_one_that_eases_is_not() -> None:
    """Warning, error, warning, error: two lines."""
    ledger = FindingLedger()
    looks = ["warning", "error", "warning", "error"]
    events = [told(ledger.update([finding(severity=s, confidence="certain")], 10, 0.0)) for s in looks]
    assert events == [[("opened", "a", 10)], [("worsened", "a", 10)], [], []]


def test_a_finding_that_goes_has_cleared_and_may_open_again() -> None:
    """Only what was told clears."""
    ledger = FindingLedger()
    sure = finding(confidence="certain")
    events = [
        told(ledger.update(found, step, 0.0)) for step, found in ((5, [sure, finding("b")]), (6, []), (7, [sure]))
    ]
    assert events == [[("opened", "a", 5)], [("cleared", "a", 6)], [("opened", "a", 7)]]


def test_what_is_explained_by_another_finding_has_not_cleared() -> None:
    """It stands below that one, which is told."""
    ledger = FindingLedger()
    symptom = finding("symptom", confidence="certain")
    cause = finding("cause", confidence="certain", explains=[symptom.model_dump()])
    assert told(ledger.update([symptom], 5, 0.0)) == [("opened", "symptom", 5)]
    assert told(ledger.update([cause], 6, 0.0)) == [("opened", "cause", 6)]
    assert [(entry.finding.code, entry.told) for entry in ledger.standing] == [("cause", True), ("symptom", False)]


def test_a_finding_stands_since_its_onset_or_since_it_was_seen() -> None:
    """Whatever look has seen it first."""
    ledger = FindingLedger()
    found = [finding("a", confidence="certain", onset=3), finding("b", confidence="certain")]
    for step in (20, 40):
        ledger.update(found, step, 0.0)
    assert [(entry.finding.code, entry.since) for entry in ledger.standing] == [("a", 3), ("b", 20)]


def test_a_warning_behind_which_an_error_is_seen_worsens() -> None:
    """NaN that a warning explains is told with it; an error that is only likely, or waits for the end, is not."""
    ledger, nan = FindingLedger(), finding("nan", confidence="certain")

    def warned(*followers: Finding) -> Finding:
        return finding(severity="warning", confidence="certain").model_copy(update={"explains": list(followers)})

    assert told(ledger.update([warned()], 20, 0.0)) == [("opened", "a", 20)]
    assert told(ledger.update([warned(finding("nan"))], 30, 0.0)) == []
    assert told(ledger.update([warned(finding("end", confidence="certain", handling={"phase": "end"}))], 40, 0.0)) == []
    assert told(ledger.update([warned(nan)], 50, 0.0)) == [("worsened", "a", 50)]
    assert worst_severity(warned(nan)) == "error"
