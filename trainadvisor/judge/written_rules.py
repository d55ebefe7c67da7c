"""Judges by the source: a fault that stands in the script is found where the run itself does not show otherwise."""

from collections.abc import Mapping
from typing import Any

from trainadvisor.judge.result import Site
from trainadvisor.judge.rule_verdict import FOUND, UNKNOWN, SignalSource, Verdict, WrittenScope
from trainadvisor.judge.rulebook import Rule
from trainadvisor.log.reader import RunLog

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
    scope = WrittenScope(rule.written, signals, detail.get("parts") or {})
    severity = "note" if rule.preview else rule.written.severity
    return Verdict(rule.written, FOUND, severity, scope, sites=tuple(map(_site, detail["sites"])))


def _site(place: Mapping[str, Any]) -> Site:
    return Site(file=place["file"], line=place["line"], source=place.get("code"))
