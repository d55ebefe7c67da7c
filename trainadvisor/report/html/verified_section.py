"""The section of the page on verified remedies: the figures of the re-runs and the curves of every pair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import svg
from trainadvisor.report.text import verified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis, Remedy
    from trainadvisor.report.html.languages import Languages, Told

# Losses that differ by more than this are drawn on a logarithmic axis.
WIDE_RANGE = 20.0
BEFORE, AFTER = 0, 1
Tried = dict[str, list[tuple[str, "Remedy"]]]


@dataclass(frozen=True)
class Row:
    """A remedy that was tried."""

    code: str
    cells: list[Told]
    outcome: Told


@dataclass(frozen=True)
class Verified:
    """The table of what was tried, and a picture of each remedy that helped; no rows where nothing was tried."""

    heads: list[Told]
    rows: list[Row]
    pictures: list[tuple[Markup, str]]
    caption: Told


def section(diagnoses: Mapping[str, Diagnosis], langs: Languages) -> Verified:
    """Return what the section shows."""
    told = {lang: verified.tried(diagnosis) for lang, diagnosis in diagnoses.items()}
    first = told[langs.default.lang]
    helped = [remedy for _, remedy in first if verified.helped(remedy) and _curves(remedy)]
    return Verified(
        heads=[langs.say(f"verify.col.{name}") for name in verified.COLUMNS],
        rows=[_row(told, place, langs) for place in range(len(first))],
        pictures=[(_picture(remedy), remedy.text) for remedy in helped],
        caption=langs.each(
            lambda words: words("verify.chart", one=words("verify.color.one"), two=words("verify.color.two"))
        ),
    )


def _row(told: Tried, place: int, langs: Languages) -> Row:
    code, remedy = told[langs.default.lang][place]
    cells = [langs.each(partial(_cell, told, place, column)) for column in range(len(verified.COLUMNS))]
    return Row(code, cells, langs.say(f"verify.{_outcome(remedy)}"))


def _cell(told: Tried, place: int, column: int, words: Words) -> str:
    listed = told.get(words.lang, [])
    return verified.row((listed[place] if place < len(listed) else next(iter(told.values()))[place])[1], words)[column]


def _outcome(remedy: Remedy) -> str:
    return str((remedy.verified or {}).get("outcome") or ("better" if verified.helped(remedy) else "no-better"))


def _curves(remedy: Remedy) -> list[tuple[int, list[list[float]]]]:
    """Return the curves of all pairs with the color of their side."""
    sides: dict[str, Any] = (remedy.verified or {}).get("curves") or {}
    both = [(BEFORE, curve) for curve in sides.get("before", [])] + [(AFTER, curve) for curve in sides.get("after", [])]
    return [(side, curve) for side, curve in both if len(curve) > 1]


def _picture(remedy: Remedy) -> Markup:
    """Return the training losses of every pair of runs."""
    curves = _curves(remedy)
    values = [value for _, curve in curves for _, value in curve]
    spec = {
        "xs": [[int(step) for step, _ in curve] for _, curve in curves],
        "lines": [
            {"x": place, "y": [value for _, value in curve], "color": side, "style": "line"}
            for place, (side, curve) in enumerate(curves)
        ],
        "log": min(values) > 0 and max(values) > WIDE_RANGE * min(values),
    }
    last = int(max(step for _, curve in curves for step, _ in curve))
    return svg.chart(spec, 0, last, look="pair")
