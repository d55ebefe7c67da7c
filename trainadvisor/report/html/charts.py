"""Charts as figures: a sentence that says what is drawn, the still picture, a place for the live one, and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.report.html.chart_specs import FILLED_BY, VALIDATION_CALL, Spec
from trainadvisor.report.html.elements import Languages, Raw, h, join
from trainadvisor.report.html.heat_map import heat_figure
from trainadvisor.report.html.svg import WIDTH, chart
from trainadvisor.report.text.healthy import number, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.i18n.language import Words

TABLE_ROWS = 12
STEEP = 0.05  # MB per 1,000 steps below which memory is flat
WIDE = ("loss",)
NUMERIC = ("loss", "grad", "update")  # a loss that is never finite leaves none of these a finite value


def section(curves: dict[str, Any], specs: list[Spec], langs: Languages) -> Raw:
    """Return the charts with their controls."""
    figures = [_figure(spec, curves, langs) for spec in specs]
    return h(
        "section",
        h("h2", langs.say("charts.heading"), id="charts-heading"),
        _controls(langs),
        h("div", *figures, *heat_figure(curves, langs), *_classes(curves.get("classes"), langs), class_="charts"),
        id="charts",
        aria_labelledby="charts-heading",
    )


def _controls(langs: Languages) -> Raw:
    """Return the switches of the charts; without scripts they would do nothing and stay hidden."""
    return h(
        "div",
        _select(langs, "charts.axis", "axis", ["charts.auto", "charts.log", "charts.linear"]),
        _select(langs, "charts.x", "across", ["charts.steps", "charts.time"]),
        h(
            "label",
            langs.say("charts.smoothing"),
            " ",
            h("input", type="range", id="smoothing", min=0, max=20, value=2),
        ),
        h("button", langs.say("charts.reset"), type="button", id="reset"),
        h("span", langs.say("charts.help"), class_="muted"),
        class_="controls live",
    )


def _select(langs: Languages, label: str, name: str, keys: list[str]) -> Raw:
    """Return a choice as radio buttons, whose labels can be in two languages."""
    buttons = [
        h(
            "label",
            h("input", type="radio", name=name, value=key.rpartition(".")[2], checked=not place, autocomplete="off"),
            langs.say(key),
        )
        for place, key in enumerate(keys)
    ]
    return h("fieldset", h("legend", langs.say(label)), *buttons, class_="switch")


def _figure(spec: Spec, curves: dict[str, Any], langs: Languages) -> Raw:
    name = spec["id"]
    head = h("h3", langs.say(f"chart.{name}"), _unit(spec), id=f"chart-{name}-title")
    span = curves["span"]
    if not spec["lines"]:
        body = [_empty(spec, curves, langs)]
    else:
        still = chart(spec, span["first"], span["last"], *([2 * WIDTH] if name in WIDE else []))
        live = h(
            "div", class_="plot live", tabindex=0, data_chart=name, role="group", aria_labelledby=f"chart-{name}-title"
        )
        body = [_legend(spec, langs), still, live, *_missing_validation(spec, langs), _table(spec, langs)]
    caption = h(
        "figcaption",
        head,
        h("p", langs.each(lambda words: words("sentence.space").join(sentences(spec, words))), class_="muted"),
    )
    return h("figure", caption, *body, id=f"chart-{name}", class_="wide" if name in WIDE else None)


def _empty(spec: Spec, curves: dict[str, Any], langs: Languages) -> Raw:
    """Return what stands in the place of a chart without a line: why there is none, and what would fill it."""
    if curves["marks"]["nonfinite"] and spec["id"] in NUMERIC:
        return h("div", langs.say("charts.nothing"), class_="empty")
    return h(
        "div", langs.say("charts.empty"), " ", langs.say("charts.fill"), h("pre", FILLED_BY[spec["id"]]), class_="empty"
    )


def _unit(spec: Spec) -> str:
    return f" ({spec['unit']})" if spec.get("unit") else ""


def _legend(spec: Spec, langs: Languages) -> Raw:
    """Return the names of the lines beside the still picture; the live one has a legend of its own."""
    keys = [
        h("li", h("span", class_=f"key k{line['colour']} {line['style']}"), _name(line, langs))
        for line in spec["lines"]
    ]
    return h("ul", *keys, class_="legend still")


def _name(line: dict[str, Any], langs: Languages) -> Raw:
    return langs.each(lambda words: line["name"][words.lang])


def _missing_validation(spec: Spec, langs: Languages) -> Iterator[Raw]:
    if spec["id"] == "loss" and not any(line["style"] == "points" for line in spec["lines"]):
        yield h(
            "p",
            langs.say("line.val"),
            ": ",
            langs.say("charts.empty"),
            " ",
            langs.say("charts.fill"),
            " ",
            h("code", VALIDATION_CALL),
            class_="muted",
        )


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


def _table(spec: Spec, langs: Languages) -> Raw:
    """Return a dozen points of each line as a table."""
    lines = [line for line in spec["lines"] if not line.get("smooth")]
    x = spec["xs"][lines[0]["x"]]
    places = sorted({round(n * (len(x) - 1) / (TABLE_ROWS - 1)) for n in range(TABLE_ROWS)})
    head = h("tr", h("th", langs.say("charts.step"), scope="col"), *(_column(line, langs) for line in lines))
    rows = [
        h("tr", h("th", _step(x[place], langs), scope="row"), *(h("td", _at(line, spec, x[place])) for line in lines))
        for place in places
    ]
    table = h("table", h("thead", head), h("tbody", *rows))
    return h("details", h("summary", langs.say("charts.table")), h("div", table, class_="scroll"), class_="view")


def _column(line: dict[str, Any], langs: Languages) -> Raw:
    return h("th", langs.each(lambda words: line["name"][words.lang]), scope="col")


def _step(step: int, langs: Languages) -> Raw:
    return langs.each(lambda words: words.number(step))


def _at(line: dict[str, Any], spec: Spec, step: int) -> str:
    """Return the last value of a line up to a step."""
    known = [v for s, v in zip(spec["xs"][line["x"]], line["y"], strict=True) if s <= step]
    return "n/a" if not known else "n/a" if known[-1] is None else number(known[-1])


def _classes(classes: dict[str, Any] | None, langs: Languages) -> Iterator[Raw]:
    """Yield the share of each class as bars, which need no script."""
    if not classes or not classes["total"]:
        return
    shares = [count / classes["total"] for count in classes["counts"]]
    bars = [
        h(
            "tr",
            h("th", place, scope="row"),
            h(
                "td",
                h("span", class_="share", style=f"width:calc((100% - 60px)*{part / max(shares):.3f})"),
                h("span", share(part)),
            ),
        )
        for place, part in enumerate(shares)
    ]
    head = h("tr", h("th", langs.say("class"), scope="col"), h("th", langs.say("class.share"), scope="col"))
    caption = h(
        "figcaption",
        h("h3", langs.say("chart.classes")),
        h("p", langs.each(lambda words: _about_classes(classes, shares, words)), class_="muted"),
    )
    yield h("figure", caption, h("table", h("thead", head), h("tbody", join(bars)), class_="bars"), id="chart-classes")


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
