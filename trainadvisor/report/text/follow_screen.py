"""What is shown of a log while it grows: a block that is redrawn, or single lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.since import since
from trainadvisor.report.text.healthy import number
from trainadvisor.report.text.layout import cells, clean, wrap
from trainadvisor.report.text.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.finding_events import FindingEvent
    from trainadvisor.monitor.follow_log import View

CURVE = 60
SILENCE = 20.0
MOST = 6


def block(view: View, findings: Sequence[Finding] | None, words: Words, width: int, silent: float) -> list[str]:
    """Return the lines to draw, each at most as wide as the terminal."""
    if not view.records:
        return [_cut(words("follow.waiting", log=clean(view.log)), width)]
    lines = [words("follow.title", log=clean(view.script or view.log)), status(view, words)]
    if curve := sparkline(view.losses, CURVE):
        lines.append(f"  {words('healthy.loss')} {curve}")
    lines += [f"  {line}" for line in _findings(findings, words)]
    if silent > SILENCE and view.end is None:
        lines.append("  " + words("follow.silent", seconds=int(silent)))
    return [_cut(line, width) for line in lines]


def status(view: View, words: Words) -> str:
    """Return step, loss, validation, learning rate, gradient and speed in one line."""
    step = view.step
    done = int(step.get("step", -1)) + 1
    parts = [
        words("steps-of", steps=words.number(done), planned=words.number(view.planned))
        if view.planned
        else words("steps", steps=words.number(done))
    ]
    parts += [f"loss {_figure(step['loss'])}"] if step.get("loss") is not None else []
    parts += [f"val {_figure(view.evaluation['loss'])}"] if view.evaluation.get("loss") is not None else []
    rates = step.get("lr")
    parts += [f"lr {_figure(rates[0])}"] if isinstance(rates, list) and rates else []
    parts += [f"grad {_figure(step['grad_norm'])}"] if step.get("grad_norm") is not None else []
    seconds = step.get("seconds")
    parts += [words("speed.step", ms=number(1000 * seconds))] if isinstance(seconds, int | float) else []
    return "  " + "  ".join(parts)


def _figure(value: object) -> str:
    return number(value) if isinstance(value, int | float) else clean(value)


def _findings(findings: Sequence[Finding] | None, words: Words) -> Iterator[str]:
    for finding in (findings or ())[:MOST]:
        yield f"{finding.severity}[{finding.code}]{words('colon')}{clean(finding.sentence or finding.title)}"
    if findings is not None and not findings:
        yield words("follow.clear")


def _cut(line: str, width: int) -> str:
    """Return the part of a line that fits: a wrapped line could not be redrawn in place."""
    if cells(line) < width:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    return indent + wrap(line.strip(), max(10, width - 5 - len(indent)))[0] + " ..."


def news(event: FindingEvent, words: Words) -> str:
    """Return the line for a finding that has opened, worsened or cleared."""
    finding = event.finding
    if event.kind == "cleared":
        return words("run.cleared", code=finding.code, step=words.number(event.step))
    place = since(finding.onset, event.step, words)
    return f"{finding.severity}[{finding.code}]{place}{words('colon')}{clean(finding.sentence or finding.title)}"


def beat(view: View, words: Words) -> str:
    """Return the line that says that all goes on."""
    return words("follow.beat", step=view.step.get("step"), loss=_figure(view.step.get("loss", "n/a")))
