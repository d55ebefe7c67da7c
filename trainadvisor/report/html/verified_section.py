"""The section of the page on verified remedies: the figures of the re-runs and the curves of every pair."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import svg
from trainadvisor.report.html.elements import Raw, h
from trainadvisor.report.text import verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis, Remedy
    from trainadvisor.report.html.elements import Languages

WIDE_RANGE = 20.0
"""Losses that differ by more than this are drawn on a logarithmic axis."""
BEFORE, AFTER = 0, 1


def section(diagnoses: Mapping[str, Diagnosis], langs: Languages) -> Iterator[Raw]:
    """Yield the section, nothing where no remedy was tried."""
    told = {lang: verified.tried(diagnosis) for lang, diagnosis in diagnoses.items()}
    first = told[langs.default.lang]
    if not first:
        return
    yield h(
        "section",
        h("h2", langs.say("verify.section"), id="verified-heading"),
        _table(told, langs),
        *(_picture(remedy, langs) for _, remedy in first if verified.helped(remedy) and _curves(remedy)),
        id="verified",
        aria_labelledby="verified-heading",
    )


def _table(told: Mapping[str, list[tuple[str, Remedy]]], langs: Languages) -> Raw:
    head = h("tr", *(h("th", langs.say(f"verify.col.{name}"), scope="col") for name in verified.COLUMNS))
    rows = [h("tr", *_cells(told, place, langs)) for place in range(len(told[langs.default.lang]))]
    return h("div", h("table", h("thead", head), h("tbody", *rows)), class_="scroll")


def _cells(told: Mapping[str, list[tuple[str, Remedy]]], place: int, langs: Languages) -> Iterator[Raw]:
    def cells(words: Words) -> list[str]:
        listed = told.get(words.lang, [])
        return verified.row((listed if place < len(listed) else told[langs.default.lang])[place][1], words)

    code, remedy = told[langs.default.lang][place]
    mark = h("p", langs.each(lambda words: words(f"verify.{_outcome(remedy)}")), class_="verified")
    for column in range(len(verified.COLUMNS)):
        content = langs.each(partial(_cell, cells, column))
        yield h("td", h("code", code), " ", content, mark) if column == 0 else h("td", content)


def _cell(cells: Callable[[Words], list[str]], column: int, words: Words) -> str:
    return cells(words)[column]


def _outcome(remedy: Remedy) -> str:
    return str((remedy.verified or {}).get("outcome") or ("better" if verified.helped(remedy) else "no-better"))


def _curves(remedy: Remedy) -> list[tuple[int, list[list[float]]]]:
    """Return the curves of all pairs with the colour of their side."""
    sides: dict[str, Any] = (remedy.verified or {}).get("curves") or {}
    both = [(BEFORE, curve) for curve in sides.get("before", [])] + [(AFTER, curve) for curve in sides.get("after", [])]
    return [(side, curve) for side, curve in both if len(curve) > 1]


def _picture(remedy: Remedy, langs: Languages) -> Raw:
    """Return the training losses of every pair of runs."""
    curves = _curves(remedy)
    values = [value for _, curve in curves for _, value in curve]
    log = min(values) > 0 and max(values) > WIDE_RANGE * min(values)
    spec = {
        "xs": [[int(step) for step, _ in curve] for _, curve in curves],
        "lines": [
            {"x": place, "y": [value for _, value in curve], "colour": side, "style": "line"}
            for place, (side, curve) in enumerate(curves)
        ],
        "log": log,
    }
    last = int(max(step for _, curve in curves for step, _ in curve))
    drawn = Raw(svg.chart(spec, 0, last).replace('class="still"', 'class="pair"', 1))
    caption = langs.each(
        lambda words: words("verify.chart", one=words("verify.colour.one"), two=words("verify.colour.two"))
    )
    return h("figure", drawn, h("figcaption", remedy.text, " ", caption))
