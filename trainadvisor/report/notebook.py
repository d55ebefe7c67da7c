"""A diagnosis in a notebook: a card without scripts, in the notebook's own colours, and the same as Markdown."""

from __future__ import annotations

from html import escape as escaped
from typing import TYPE_CHECKING

from trainadvisor.language import Words
from trainadvisor.report import markdown, text
from trainadvisor.report.healthy import number
from trainadvisor.report.layout import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.diagnose.result import Diagnosis, Finding, Remedy

EDGES = {"broken": "#c62828", "needs-attention": "#b26a00", "healthy": "#2e7d32", "cannot-tell": "#5f6368"}
WIDTH, HEIGHT, WIDE_RANGE = 240, 40, 20
MOST = 6


def language_of(diagnosis: Diagnosis) -> str:
    """Return the language that a diagnosis was written in."""
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in diagnosis.summary) else "en"


def bundle(diagnosis: Diagnosis) -> dict[str, str]:
    """Return every form that a notebook may choose from."""
    lang = language_of(diagnosis)
    return {
        "text/html": html(diagnosis),
        "text/markdown": markdown.render(diagnosis, lang),
        "text/plain": text.render(diagnosis, lang),
    }


def html(diagnosis: Diagnosis) -> str:
    """Return the card: verdict, curve, findings with their first fixes."""
    words = Words(language_of(diagnosis))
    edge = f"border-left:4px solid {EDGES[diagnosis.state]};padding:.4em .8em;max-width:60em"
    head = f"<strong>{_text(words(f'state.{diagnosis.state}'))}</strong>{words('colon')}{_text(diagnosis.summary)}"
    parts = [f"<p>{head}</p>", _curve(words, diagnosis)]
    parts += ["".join(_finding(words, finding)) for finding in diagnosis.findings[:MOST]]
    checks = words("notebook.checks", clear=len(diagnosis.clear), unknown=len(diagnosis.unknown))
    return f'<div style="{edge}">{"".join(parts)}<p><small>{_text(checks)}</small></p></div>'


def _text(value: object) -> str:
    return escaped(clean(value))


def _finding(words: Words, finding: Finding) -> Iterator[str]:
    confidence = words("confidence", word=words(f"confidence.{finding.confidence}"))
    level = words(f"severity.{finding.severity}")
    head = f"<code>{_text(finding.code)}</code> {_text(level)}, {_text(confidence)}"
    yield f"<details{' open' if finding.severity == 'error' else ''}><summary>{head}</summary>"
    yield f"<p>{_text(finding.sentence or finding.title)}</p>"
    if finding.evidence:
        yield f"<ul>{''.join(f'<li>{_text(entry.text)}</li>' for entry in finding.evidence)}</ul>"
    yield from (_remedy(words, remedy) for remedy in finding.remedies[:1])
    yield "</details>"


def _remedy(words: Words, remedy: Remedy) -> str:
    label = words("aside", text=words(f"applies.{remedy.applies}"))
    fix = f"<p>{_text(words('fix'))}{words('colon')}{_text(remedy.text)}{_text(label)}</p>"
    lines = "\n".join(_text(line) for line in (remedy.code or "").split("\n"))
    return fix + (f"<pre>{lines}</pre>" if remedy.code else "")


def _curve(words: Words, diagnosis: Diagnosis) -> str:
    """Return the loss as a static picture, with a sentence for who cannot see it."""
    from math import log

    points = [(float(step), float(loss)) for step, loss in diagnosis.run.get("loss_curve", [])]
    if len(points) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    losses = [loss for _, loss in points]
    label = words("notebook.curve", first=number(losses[0]), last=number(losses[-1]))
    if min(losses) > 0 and max(losses) / min(losses) > WIDE_RANGE:
        losses = [log(loss) for loss in losses]
    low, high = min(losses), max(losses)
    span = points[-1][0] - points[0][0] or 1.0
    heights = [HEIGHT - 2 - (HEIGHT - 4) * (loss - low) / ((high - low) or 1.0) for loss in losses]
    places = [WIDTH * (step - points[0][0]) / span for step, _ in points]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
    line = f'<polyline points="{drawn}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<figure style="margin:.3em 0"><svg {size} role="img" aria-label="{_text(label)}">{line}</svg></figure>'
