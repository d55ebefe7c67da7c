"""Judging by what stands in the source, beside what the run has shown."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import event, log_of
from rulekit import rule

from trainadvisor.judge.engine import judge
from trainadvisor.judge.remedies import remedies
from trainadvisor.judge.rule_verdict import Verdict
from trainadvisor.judge.rulebook import Rule, Rulebook
from trainadvisor.judge.source_checks import texts
from trainadvisor.judge.written_rules import written_faults

PLACE = {"sites": [{"file": "train.py", "line": 5, "code": "y = f(x)"}], "parts": [["call", "g(x)"]]}
SAID = {"finding": "There stands {call}.", "remedy": "Write {call}."}


def written(**more: Any) -> Rule:
    """Return a rule on x that can be seen in a source as well."""
    return replace(rule(), source={"en": SAID, "zh": SAID, **more})


def verdicts(of: Rule, off: dict[str, str] | None = None, **signals: Any) -> list[Verdict]:
    """Judge a rule where its fault stands in the source."""
    return judge(signals, Rulebook({of.code: of}, off=off or {}), (), {of.code: PLACE})


def test_a_fault_that_the_run_cannot_judge_is_found_where_it_stands() -> None:
    """As a warning in the words for sources, with its line, and what to do."""
    (found,) = verdicts(written())
    assert (found.state, found.severity, found.rule.branch) == ("found", "warning", "written")
    assert [(site.file, site.line, site.source) for site in found.sites] == [("train.py", 5, "y = f(x)")]
    assert (found.rule.text("finding"), found.lookup("call")) == (SAID["finding"], "g(x)")
    assert [entry["en"] for entry in found.rule.remedies] == [SAID["remedy"]]


@pytest.mark.parametrize(
    ("pattern", "told"), [("one-way", "Mend that way."), ("another", SAID["remedy"]), ("", SAID["remedy"])]
)
def test_a_pattern_with_a_remedy_of_its_own_is_told_that_one_alone(pattern: str, told: str) -> None:
    """Any other gets the general one."""
    own = {"pattern": "one-way", "en": "Mend that way.", "zh": "改那一处。"}
    of = written(remedies=[own])
    (found,) = judge({}, Rulebook({of.code: of}), (), {of.code: {**PLACE, "pattern": pattern}})
    assert [found.rule.remedies[advice.number]["en"] for advice in remedies(found, None)] == [told]
    assert texts(of, "en", pattern)["remedy"] == told


@pytest.mark.parametrize(("hidden", "x", "branch"), [(False, 1, None), (True, 1, "written"), (True, 2, None)])
def test_what_the_run_has_shown_counts_unless_it_cannot_show_it(*, hidden: bool, x: int, branch: str | None) -> None:
    """A run that shows the fault is told as ever; one that does not refutes the source but for hidden faults."""
    (judged,) = verdicts(written(hidden=hidden), x=x)
    assert judged.rule.branch == branch
    assert judged.state == ("found" if branch or x > 1 else "clear")


def test_a_rule_on_sources_alone_counts_only_where_its_fault_stands() -> None:
    """Else it is no check of the run at all; neither is one that is switched off."""
    alone = replace(written(), when=())
    assert [found.state for found in verdicts(alone)] == ["found"]
    assert judge({}, Rulebook({alone.code: alone}), ()) == []
    assert verdicts(alone, off={alone.code: "by the project"}) == []


@pytest.mark.parametrize(
    ("severity", "x", "told"), [("error", 1, "warning"), ("warning", 1, "note"), ("warning", 2, "warning")]
)
def test_what_may_do_harm_is_a_note_where_its_usual_consequences_did_not_come(severity: str, x: int, told: str) -> None:
    """What is wrong by itself stays a warning; so does what has done harm, or whose harm was not looked for."""
    cause = replace(written(), code="cause", when=(), severity=severity, explains={"harm": 0.8})
    harm = replace(rule(), code="harm")
    for signals, expected in (({"x": x}, told), ({}, "warning")):
        found = judge(signals, Rulebook({"cause": cause, "harm": harm}), (), {"cause": PLACE})
        assert next(verdict.severity for verdict in found if verdict.code == "cause") == expected


def test_a_rule_may_call_its_fault_in_the_source_less_grave_than_in_a_run() -> None:
    """An error that a run has shown may be harmless where only the source shows it."""
    cause = replace(written(hidden=True, severity="warning"), code="cause", explains={"harm": 0.8})
    book = Rulebook({"cause": cause, "harm": replace(rule(), code="harm")})
    found = judge({"x": 1}, book, (), {"cause": PLACE})
    assert [(verdict.code, verdict.severity) for verdict in found if verdict.state == "found"] == [("cause", "note")]


def test_a_rule_on_trial_says_no_more_than_a_note_of_a_source() -> None:
    """It never decides a check."""
    (found,) = verdicts(replace(written(hidden=True), preview=True), x=1)
    assert (found.rule.branch, found.severity) == ("written", "note")


def test_the_first_place_of_each_fault_is_read_of_a_log(tmp_path: Path) -> None:
    """By its code; an event without a place is left out."""
    later = {**PLACE, "sites": [{"file": "train.py", "line": 9, "code": None}]}
    events = [event("written-fault", detail, code) for code, detail in
              (("one", PLACE), ("one", later), ("two", later), ("three", {"sites": []}))]  # fmt: skip
    assert written_faults(log_of(tmp_path, events=events)) == {"one": PLACE, "two": later}
