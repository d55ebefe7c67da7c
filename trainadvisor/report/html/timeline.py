"""The strip under the verdict: what was found over the steps, and what happened at single steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.report.html.elements import Languages, Raw, h

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.judge.result import Diagnosis, Finding

MOST_BARS, MOST_LABELS = 8, 12
SHAPES = {"spike": "\u25b2", "lr": "\u25c6", "nonfinite": "\u2715", "event": "\u25cb"}


def section(diagnosis: Diagnosis, curves: dict[str, Any], langs: Languages) -> Raw:
    """Return the timeline; every bar leads to its card and zooms the charts."""
    bars = list(_bars(diagnosis))
    rows = [_row(finding, curves["span"], follower=follower, langs=langs) for finding, follower in bars[:MOST_BARS]]
    if not rows:
        rows = [h("li", h("span", class_="name"), h("span", langs.say("timeline.none"), class_="muted"))]
    parts = [h("h2", langs.say("timeline.heading"), id="timeline-heading")]
    parts += [h("p", langs.say("timeline.help"), class_="muted")] if bars else []
    parts += [
        h("ol", *rows, *_marks(curves, langs), *_epochs(curves, langs), class_="timeline"),
        *_legend(curves, langs),
    ]
    return h("section", *parts, id="timeline", aria_labelledby="timeline-heading")


def _bars(diagnosis: Diagnosis) -> Iterator[tuple[Finding, bool]]:
    for finding in diagnosis.findings:
        if finding.severity != "note":
            yield finding, False
            yield from ((follower, True) for follower in finding.consequences())


def _row(finding: Finding, span: dict[str, Any], *, follower: bool, langs: Languages) -> Raw:
    start = finding.onset if finding.onset is not None else span["first"]
    left = place(start, span)
    when = (
        langs.say("timeline.whole")
        if finding.onset is None
        else langs.each(lambda words: words("from-step", step=words.number(start)))
    )
    bar = h(
        "a",
        h("span", finding.code, " ", when, class_="sr"),
        class_=f"bar {finding.severity}{' thin' if follower else ''}",
        href=f"#{finding.code}",
        style=f"left:{left:.2f}%;width:{max(100 - left, 0.6):.2f}%",
        data_from=start,
        data_to=span["last"],
    )
    return h("li", h("span", finding.code, class_="name"), h("span", bar, class_="track"))


def place(step: float, span: dict[str, Any]) -> float:
    """Return where a step lies between the first and the last, in percent."""
    length = max(span["last"] - span["first"], 1)
    return min(max(100 * (step - float(span["first"])) / float(length), 0.0), 100.0)


def _marks(curves: dict[str, Any], langs: Languages) -> Iterator[Raw]:
    """Yield the row of what happened at single steps."""
    marks = curves["marks"]
    found = [("spike", step, {"key": "mark.spike", "step": step}) for step in marks["spikes"]]
    found += [("lr", step, {"key": "mark.lr", "step": step}) for step in marks["lr"]]
    found += [
        ("nonfinite", first, {"key": "mark.nonfinite", "first": first, "last": last})
        for first, last in marks["nonfinite"]
    ]
    found += [("event", e["step"], {"key": "mark.event", "step": e["step"], "kind": _kind(e)}) for e in marks["events"]]
    drawn = [_mark(kind, step, told, curves["span"], langs) for kind, step, told in found]
    if drawn:
        yield h("li", h("span", langs.say("timeline.marks"), class_="name"), h("span", *drawn, class_="track marks"))


def _kind(event: dict[str, Any]) -> str:
    return f"{event['kind']} {event['subject']}".strip()


def _mark(kind: str, step: int, told: dict[str, Any], span: dict[str, Any], langs: Languages) -> Raw:
    values = {name: value for name, value in told.items() if name != "key"}
    title = langs.default(told["key"], **values)
    meaning = h("span", langs.say(told["key"], **values), class_="sr")
    return h("span", SHAPES[kind], meaning, class_=f"mark {kind}", title=title, style=f"left:{place(step, span):.2f}%")


def _legend(curves: dict[str, Any], langs: Languages) -> Iterator[Raw]:
    marks = curves["marks"]
    if any(marks[name] for name in ("spikes", "lr", "nonfinite", "events")):
        yield h("p", langs.say("mark.legend"), class_="muted")


def _epochs(curves: dict[str, Any], langs: Languages) -> Iterator[Raw]:
    """Yield the axis: epochs where they are known, else steps."""
    span, epochs = curves["span"], curves["marks"]["epochs"]
    every = -(-len(epochs) // MOST_LABELS)
    if len(epochs) > 1:
        label = langs.say("timeline.epochs")
        ticks = [(step, f"e{epoch + 1}") for step, epoch in epochs[::every]]
    else:
        label = langs.say("charts.steps")
        ticks = [(span["first"] + n * (span["last"] - span["first"]) // 4, "") for n in range(4)]
    drawn = [
        h(
            "span",
            name or langs.number(step),
            class_="tick",
            style=f"left:{place(step, span):.2f}%",
        )
        for step, name in ticks
    ]
    yield h("li", h("span", label, class_="name"), h("span", *drawn, class_="track axis"))
