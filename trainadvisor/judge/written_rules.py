"""Judges by the source: a fault that stands in the script is found where the run itself does not show otherwise."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainadvisor.judge.cause_graph import CAUSE_FOLLOWS
from trainadvisor.judge.result import Site
from trainadvisor.judge.rule_verdict import CLEAR, FOUND, UNKNOWN, SignalSource, Verdict, WrittenScope
from trainadvisor.judge.rulebook import WRITTEN, Rule
from trainadvisor.log.reader import RunLog

PAIR = 2

Written = Mapping[str, Mapping[str, Any]]


def written_faults(log: RunLog) -> Written:
    """Return the first place of each fault that stands in the sources, and the parts of the code its texts name."""
    found: dict[str, dict[str, Any]] = {}
    for event in log.events:
        if event["kind"] == "written-fault":
            found.setdefault(event["subject"], event["detail"])
    return found


def with_source(verdict: Verdict, signals: SignalSource, written: Written) -> Verdict:
    """Return the verdict of the source where the run has none, or can have none on what the source shows."""
    rule = verdict.rule
    hidden = rule.source is not None and bool(rule.source.get("hidden"))
    open_ = verdict.state == UNKNOWN and not verdict.failure
    found = of_source(rule, signals, written) if verdict.state != FOUND and (hidden or open_) else None
    return found or verdict


def of_source(rule: Rule, signals: SignalSource, written: Written) -> Verdict | None:
    """Return the verdict on a rule whose fault stands in the source, None where it does not."""
    detail = written.get(rule.code)
    if detail is None or rule.written is None:
        return None
    parts = {part[0]: part[1] for part in detail.get("parts") or () if len(part) == PAIR}
    scope = WrittenScope(rule.written, signals, parts)
    severity = "note" if rule.preview else rule.written.severity
    sites, pattern = tuple(map(_site, detail["sites"])), detail.get("pattern", "")
    return Verdict(rule.written, FOUND, severity, scope, sites=sites, pattern=pattern)


def _site(place: Mapping[str, Any]) -> Site:
    return Site(file=place["file"], line=place["line"], source=place.get("code"))


def weighed_by_harm(verdicts: list[Verdict]) -> list[Verdict]:
    """Return verdicts in which what may do harm, and by the run has done none of its usual, is a note."""
    states = {verdict.code: verdict.state for verdict in verdicts}

    def harmless(verdict: Verdict) -> bool:
        usual = [code for code, weight in verdict.rule.explains.items() if weight >= CAUSE_FOLLOWS]
        return bool(usual) and all(states.get(code) == CLEAR for code in usual)

    return [
        replace(verdict, severity="note") if _may_harm(verdict) and harmless(verdict) else verdict
        for verdict in verdicts
    ]


def _may_harm(verdict: Verdict) -> bool:
    """Return whether a verdict is one of the source on what is not wrong by itself."""
    return verdict.rule.branch == WRITTEN and not verdict.rule.certain_harm
