"""Charts as figures: a sentence that says what is drawn, the still picture, a place for the live one, and a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import svg
from trainadvisor.report.html.chart_specs import FILLED_BY, VALIDATION_CALL, Spec
from trainadvisor.report.text.healthy import number, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from trainadvisor.i18n.language import Words
    from trainadvisor.report.html.languages import Languages, Told

TABLE_ROWS = 12
STEEP = 0.05  # MB per 1,000 steps below which memory is flat
WIDE = ("loss",)
NUMERIC = ("loss", "grad", "update")  # a loss that is never finite leaves none of these a finite value


@dataclass(frozen=True)
class Line:
    """A line of the legend; `look` is its color and style."""

    name: Told
    look: str
    # The last value that was recorded, with the unit of the chart.
    last: str


@dataclass(frozen=True)
class Chart:
    """A chart with a dozen points of each line as a table; without lines, why there are none."""

    name: str
    wide: bool
    unit: str
    sentences: Told
    lines: list[Line]
    still: Markup | None
    columns: list[Told]
    rows: list[tuple[Told, list[str]]]
    lacks: str | None
    never_finite: bool
    filled_by: str | None
    # Which of several trainings it is of, where that is not the judged one; its picture stays still.
    training: int | None = None


@dataclass(frozen=True)
class Classes:
    """The share of each class, the largest as wide as the table allows."""

    about: Told
    bars: list[tuple[float, str]]


def figure(spec: Spec, curves: dict[str, Any], langs: Languages, training: int | None = None) -> Chart:
    """Return what the page shows of a chart."""
    name, drawn = spec["id"], bool(spec["lines"])
    columns, rows = _table(spec, langs) if drawn else ([], [])
    return Chart(
        name=name,
        wide=name in WIDE,
        unit=f" ({spec['unit']})" if spec.get("unit") else "",
        sentences=langs.each(lambda words: words("sentence.space").join(sentences(spec, words))),
        lines=[_line(line, spec, langs) for line in spec["lines"]],
        still=_still(spec, curves["span"], "still" if training is None else "lasting") if drawn else None,
        columns=columns,
        rows=rows,
        lacks=VALIDATION_CALL if _lacks_validation(spec) else None,
        never_finite=bool(curves["marks"]["nonfinite"]) and name in NUMERIC,
        filled_by=FILLED_BY.get(name),
        training=training,
    )


def _line(line: dict[str, Any], spec: Spec, langs: Languages) -> Line:
    known = [value for value in line["y"] if value is not None]
    unit = f" {spec['unit']}" if spec.get("unit") else ""
    last = "" if line.get("smooth") or not known else f"{number(known[-1])}{unit}"
    return Line(_name(line, langs), f"k{line['color']} {line['style']}", last)


def _still(spec: Spec, span: dict[str, Any], look: str) -> Markup:
    width = 2 * svg.WIDTH if spec["id"] in WIDE else svg.WIDTH
    return svg.chart(spec, span["first"], span["last"], width, look)


def _name(line: dict[str, Any], langs: Languages) -> Told:
    return langs.each(lambda words: line["name"][words.lang])


def _lacks_validation(spec: Spec) -> bool:
    return spec["id"] == "loss" and not any(line["style"] == "points" for line in spec["lines"])


def sentences(spec: Spec, words: Words) -> Iterator[str]:
    """Yield what the chart shows, in words."""
    for line in spec["lines"][:6]:
        if line["style"] != "raw":
            yield from _course(line, spec, words)
    for mark in spec.get("marks", []):
        yield words("say.best", loss=number(mark["y"]), step=words.number(mark["x"]))
    if spec.get("rug"):
        yield words("say.nonfinite", step=words.number(spec["rug"][0][0]), count=len(spec["rug"]))
    if spec.get("noise"):
        yield words("say.noise", noise=number(spec["noise"]["value"]))
    if spec.get("band"):
        yield words("say.band", low=number(spec["band"][0]), high=number(spec["band"][1]))
    yield from _figures(spec, words)
    if spec["lines"] and spec["log"]:
        yield words("say.log")


def _course(line: dict[str, Any], spec: Spec, words: Words) -> Iterator[str]:
    known = [(s, v) for s, v in zip(spec["xs"][line["x"]], line["y"], strict=True) if v is not None]
    if not known:
        return
    name = line["name"][words.lang]
    (start, first), (end, last) = known[0], known[-1]
    (at_low, low), (at_high, high) = (choose(known, key=lambda pair: pair[1]) for choose in (min, max))
    if low == high:
        yield words("say.constant", name=name, first=number(first))
        return
    steps = {
        key: words.number(step)
        for key, step in (("start", start), ("end", end), ("at_low", at_low), ("at_high", at_high))
    }
    yield words(
        "say.first-last", name=name, first=number(first), last=number(last), low=number(low), high=number(high), **steps
    )


def _figures(spec: Spec, words: Words) -> Iterator[str]:
    """Yield the percentiles of step times and the slope of memory."""
    if not spec["lines"]:
        return
    line = spec["lines"][0]
    known = [(s, v) for s, v in zip(spec["xs"][line["x"]], line["y"], strict=True) if v is not None]
    if spec.get("quantiles"):
        yield words("say.percentiles", **{name: number(1000 * value) for name, value in spec["quantiles"].items()})
    if spec["id"] == "memory" and len(known) > 1:
        slope = _slope(known[len(known) // 10 :])
        if slope > STEEP:
            yield words("say.slope", slope=number(slope))


def _slope(points: list[tuple[int, float]]) -> float:
    """Return the growth per 1,000 steps between the first and the last of the points."""
    (start, first), (end, last) = points[0], points[-1]
    return 1000 * (last - first) / max(end - start, 1)


def _table(spec: Spec, langs: Languages) -> tuple[list[Told], list[tuple[Told, list[str]]]]:
    """Return the names of the lines, and a dozen steps with the value of each line."""
    lines = [line for line in spec["lines"] if not line.get("smooth")]
    x = spec["xs"][lines[0]["x"]]
    places = sorted({round(n * (len(x) - 1) / (TABLE_ROWS - 1)) for n in range(TABLE_ROWS)})
    rows = [(langs.number(x[place]), [_at(line, spec, x[place]) for line in lines]) for place in places]
    return [_name(line, langs) for line in lines], rows


def _at(line: dict[str, Any], spec: Spec, step: int) -> str:
    """Return the last value of a line up to a step."""
    known = [v for s, v in zip(spec["xs"][line["x"]], line["y"], strict=True) if s <= step]
    return "n/a" if not known else "n/a" if known[-1] is None else number(known[-1])


def classes(found: dict[str, Any] | None, langs: Languages) -> Classes | None:
    """Return the share of each class, None where classes were not counted."""
    if not found or not found["total"]:
        return None
    shares = [count / found["total"] for count in found["counts"]]
    bars = [(part / max(shares), share(part)) for part in shares]
    return Classes(langs.each(lambda words: _about_classes(found, shares, words)), bars)


def _about_classes(classes: dict[str, Any], shares: list[float], words: Words) -> str:
    said = words(
        "say.classes",
        total=words.number(int(classes["total"])),
        classes=classes["classes"],
        top=share(max(shares)),
        rare=share(min(shares)),
    )
    if classes.get("majority_share") is not None and classes.get("classes_predicted") is not None:
        said += words("sentence.space") + words(
            "say.predicted", share=share(classes["majority_share"]), count=classes["classes_predicted"]
        )
    if classes["classes"] > len(shares):
        said += words("sentence.space") + words("say.shown", count=len(shares))
    return said
