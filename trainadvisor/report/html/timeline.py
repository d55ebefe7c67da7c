"""The strip of what was found over the steps, and of what happened at single steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.report.html.languages import Languages, Told

MOST_BARS, MOST_LABELS = 8, 12
SHAPES = {"spike": "\u25b2", "lr": "\u25c6", "nonfinite": "\u2715", "event": "\u25cb"}


@dataclass(frozen=True)
class Bar:
    """A finding from its first step on; it leads to its card and zooms the charts."""

    code: str
    severity: str
    thin: bool
    when: Told
    start: int
    last: int
    left: float
    width: float


@dataclass(frozen=True)
class Mark:
    """Something that happened at one step."""

    kind: str
    shape: str
    title: str
    meaning: Told
    left: float


@dataclass(frozen=True)
class Timeline:
    """Bars, marks, and the axis with its unit."""

    bars: list[Bar]
    marks: list[Mark]
    unit: str
    ticks: list[tuple[float, str | Told]]


def timeline(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Timeline:
    """Return what the strip shows."""
    span = curves["span"]
    bars = [_bar(finding, span, thin=follower, langs=langs) for finding, follower in _found(diagnosis)]
    unit, ticks = _ticks(curves, langs)
    return Timeline(bars[:MOST_BARS], list(_marks(curves, langs)), unit, ticks)


def _found(diagnosis: Diagnosis) -> Iterator[tuple[Finding, bool]]:
    for finding in diagnosis.findings:
        if finding.severity != "note":
            yield finding, False
            yield from ((follower, True) for follower in finding.consequences())


def _bar(finding: Finding, span: dict[str, Any], *, thin: bool, langs: Languages) -> Bar:
    start = finding.onset if finding.onset is not None else span["first"]
    left = place(start, span)
    when = (
        langs.say("timeline.whole")
        if finding.onset is None
        else langs.each(lambda words: words("from-step", step=words.number(start)))
    )
    return Bar(finding.code, finding.severity, thin, when, start, span["last"], left, max(100 - left, 0.6))


def place(step: float, span: dict[str, Any]) -> float:
    """Return where a step lies between the first and the last, in percent."""
    length = max(span["last"] - span["first"], 1)
    return min(max(100 * (step - float(span["first"])) / float(length), 0.0), 100.0)


def _marks(curves: dict[str, Any], langs: Languages) -> Iterator[Mark]:
    """Yield what happened at single steps."""
    marks = curves["marks"]
    found = [("spike", step, {"step": step}) for step in marks["spikes"]]
    found += [("lr", step, {"step": step}) for step in marks["lr"]]
    found += [("nonfinite", first, {"first": first, "last": last}) for first, last in marks["nonfinite"]]
    found += [("event", event["step"], {"step": event["step"], "kind": _kind(event)}) for event in marks["events"]]
    for kind, step, values in found:
        key = f"mark.{kind}"
        title, meaning = langs.default(key, **values), langs.say(key, **values)
        yield Mark(kind, SHAPES[kind], title, meaning, place(step, curves["span"]))


def _kind(event: dict[str, Any]) -> str:
    return f"{event['kind']} {event['subject']}".strip()


def _ticks(curves: dict[str, Any], langs: Languages) -> tuple[str, list[tuple[float, str | Told]]]:
    """Return the axis: epochs where they are known, else steps."""
    span, epochs = curves["span"], curves["marks"]["epochs"]
    if len(epochs) > 1:
        every = -(-len(epochs) // MOST_LABELS)
        return "timeline.epochs", [(place(step, span), f"e{epoch + 1}") for step, epoch in epochs[::every]]
    steps = [span["first"] + n * (span["last"] - span["first"]) // 4 for n in range(4)]
    return "charts.steps", [(place(step, span), langs.number(step)) for step in steps]
