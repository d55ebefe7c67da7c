"""A diagnosis in a notebook: a card without scripts, in the notebook's own colors, and the same as Markdown."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

from trainadvisor.i18n.language import Words
from trainadvisor.report.forms import markdown
from trainadvisor.report.html.languages import Languages, code_lines
from trainadvisor.report.html.svg import tag
from trainadvisor.report.text import excerpt, full_report
from trainadvisor.report.text.healthy import number
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.sparkline import sparkline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from trainadvisor.judge.result import Diagnosis

EDGES = {"broken": "#c62828", "needs-attention": "#b26a00", "healthy": "#2e7d32", "cannot-tell": "#5f6368"}
# Of the lines of code.
COLUMNS = 80
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
    return _filled("notebook.html", words, diagnosis=diagnosis, edge=EDGES[diagnosis.state],
                   findings=diagnosis.findings[:MOST], curve=_curve(words, diagnosis), lines=code_lines,
                   shown=lambda finding: "\n".join(excerpt.shown(finding, COLUMNS)))  # fmt: skip


def _filled(template: str, words: Words, **values: Any) -> str:
    from trainadvisor.report.html.templates import fill

    return str(fill(template, Languages([words.lang]), words=words, **values))


def _curve(words: Words, diagnosis: Diagnosis) -> Markup | None:
    """Return the loss as a static picture, with a sentence for who cannot see it."""
    points = [(float(step), float(loss)) for step, loss in diagnosis.run.get("loss_curve", [])]
    if len(points) < 2:  # noqa: PLR2004 - one point is no curve
        return None
    return _svg(points, words("notebook.curve", first=number(points[0][1]), last=number(points[-1][1])))


def _svg(points: list[tuple[float, float]], label: str) -> Markup:
    """Draw at least two points as a line, on a logarithmic axis where they are far apart."""
    values = [value for _, value in points]
    if _wide(values):
        values = [log(value) for value in values]
    low, high = min(values), max(values)
    span = points[-1][0] - points[0][0] or 1.0
    heights = [HEIGHT - 2 - (HEIGHT - 4) * (value - low) / ((high - low) or 1.0) for value in values]
    places = [WIDTH * (step - points[0][0]) / span for step, _ in points]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
    line = tag("polyline", points=drawn, fill="none", stroke="currentColor", stroke_width="1.5")
    size = {"width": WIDTH, "height": HEIGHT, "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
    return tag("svg", line, **size, role="img", aria_label=clean(label))


def _wide(values: Sequence[float]) -> bool:
    return min(values) > 0 and max(values) / min(values) > WIDE_RANGE


class Pictures:
    """Curves as still pictures for a notebook, and as lines of text elsewhere."""

    def __init__(self, name: str, curves: Mapping[str, dict[str, Any]], lang: str) -> None:
        """Take what the curves are about, and each with the key of its name."""
        self._name, self._words = name, Words(lang)
        known = {
            key: [(x, y) for x, y in zip(c["x"], c["y"], strict=True) if y is not None] for key, c in curves.items()
        }
        self._curves = {self._words(key): points for key, points in known.items() if points}

    def _repr_html_(self) -> str:
        told = [(points, self._about(name)) for name, points in self._curves.items()]
        rows = [(about, _svg(points, about) if len(points) > 1 else None) for points, about in told]
        return _filled("curves.html", self._words, name=self._name, rows=rows, empty=self._empty())

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
        return self._words("charts.empty")
