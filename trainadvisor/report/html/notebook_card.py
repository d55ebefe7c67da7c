"""A diagnosis in a notebook: a card without scripts, in the notebook's own colours, and the same as Markdown."""

from __future__ import annotations

from html import escape as escaped
from math import log
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import Words
from trainadvisor.i18n.page_texts import PAGE_TEXTS
from trainadvisor.report.machine import markdown
from trainadvisor.report.text import full_report
from trainadvisor.report.text.healthy import number
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding, Remedy

EDGES = {"broken": "#c62828", "needs-attention": "#b26a00", "healthy": "#2e7d32", "cannot-tell": "#5f6368"}
WIDTH, HEIGHT, WIDE_RANGE = 240, 40, 20
MOST = 6


def bundle(diagnosis: Diagnosis) -> dict[str, str]:
    """Return every form that a notebook may choose from."""
    return {
        "text/html": html(diagnosis),
        "text/markdown": markdown.render(diagnosis, diagnosis.lang),
        "text/plain": full_report.render(diagnosis, diagnosis.lang),
    }


def html(diagnosis: Diagnosis) -> str:
    """Return the card: verdict, curve, findings with their first fixes."""
    words = Words(diagnosis.lang)
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
    points = [(float(step), float(loss)) for step, loss in diagnosis.run.get("loss_curve", [])]
    if len(points) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    label = words("notebook.curve", first=number(points[0][1]), last=number(points[-1][1]))
    return f'<figure style="margin:.3em 0">{_svg(points, label)}</figure>'


def _svg(points: list[tuple[float, float]], label: str) -> str:
    """Draw at least two points as a line, on a logarithmic axis where they are far apart."""
    values = [value for _, value in points]
    if _wide(values):
        values = [log(value) for value in values]
    low, high = min(values), max(values)
    span = points[-1][0] - points[0][0] or 1.0
    heights = [HEIGHT - 2 - (HEIGHT - 4) * (value - low) / ((high - low) or 1.0) for value in values]
    places = [WIDTH * (step - points[0][0]) / span for step, _ in points]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
    line = f'<polyline points="{drawn}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg {size} role="img" aria-label="{_text(label)}">{line}</svg>'


def _wide(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > WIDE_RANGE


class Pictures:
    """Curves as still pictures for a notebook, and as lines of text elsewhere."""

    def __init__(self, name: str, curves: Mapping[str, dict[str, Any]], lang: str) -> None:
        """Take what the curves are about, and each with the key of its name."""
        self._name, self._words = name, Words(lang)
        self._column = 1 if lang == "zh" else 0
        known = {
            key: [(x, y) for x, y in zip(c["x"], c["y"], strict=True) if y is not None] for key, c in curves.items()
        }
        self._curves = {PAGE_TEXTS[key][self._column]: points for key, points in known.items() if points}

    def _repr_html_(self) -> str:
        rows = [
            f'<figure style="margin:.3em 0"><figcaption>{_text(self._about(name))}</figcaption>'
            f"{_svg(points, self._about(name)) if len(points) > 1 else ''}</figure>"
            for name, points in self._curves.items()
        ]
        return (
            f'<div style="max-width:60em"><p><code>{_text(self._name)}</code></p>{"".join(rows) or self._empty()}</div>'
        )

    def __repr__(self) -> str:
        """Return the curves as characters."""
        rows = [
            f"  {self._about(name)}\n    {sparkline([y for _, y in points])}" for name, points in self._curves.items()
        ]
        return "\n".join([clean(self._name), *(rows or [f"  {self._empty()}"])])

    def _about(self, name: str) -> str:
        """Say where a curve starts and ends, and between which values it stays."""
        points = self._curves[name]
        values = [value for _, value in points]
        figures = {"first": values[0], "last": values[-1], "low": min(values), "high": max(values)}
        steps = {"start": points[0][0], "end": points[-1][0]}
        text = self._words("notebook.course", name=name, **{k: number(v) for k, v in figures.items()}, **steps)
        return text + (self._words("notebook.log") if _wide(values) else "")

    def _empty(self) -> str:
        return PAGE_TEXTS["charts.empty"][self._column]
