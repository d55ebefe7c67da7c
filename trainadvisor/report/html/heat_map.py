"""The heat map of layers over steps: a still picture, a place for the live one, its legend, its words and its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor.report.html.elements import Languages, Raw, h
from trainadvisor.report.html.svg import CIVIDIS, heat
from trainadvisor.report.text.healthy import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.i18n.language import Words

Map = dict[str, Any]
MOST_DECADES = 8.0
LINEAR = ("dead",)


def heat_figure(curves: dict[str, Any], langs: Languages) -> Iterator[Raw]:
    """Yield the figure, or where it would stand and what would fill it."""
    maps = curves["heat"]
    title = h("h3", langs.say("chart.heat"), id="chart-heat-title")
    if not maps:
        empty = h(
            "div",
            langs.say("charts.empty"),
            " ",
            langs.say("charts.fill"),
            h("pre", "trainadvisor run train.py"),
            class_="empty",
        )
        yield h("figure", h("figcaption", title), empty, id="chart-heat")
        return
    name, shown = next(iter(maps.items()))
    caption = h(
        "figcaption",
        title,
        h("p", langs.each(lambda words: words("sentence.space").join(_sentences(maps, words))), class_="muted"),
    )
    live = h("canvas", id="heat", class_="live", tabindex=0, role="img", aria_labelledby="chart-heat-title")
    detail = h("div", id="layer-chart", class_="plot live")
    parts = [
        _controls(maps, langs),
        _still(name, shown, langs),
        live,
        _readout(),
        _key(name, shown, langs),
        detail,
        *_tables(maps, langs),
    ]
    yield h("figure", caption, *parts, id="chart-heat", class_="wide")


def limits(found: Map, name: str) -> tuple[float, float]:
    """Return the lowest and highest value of the scale of colours."""
    if name in LINEAR:
        return 0.0, 1.0
    values = [cell for row in found["rows"] for cell in row if isinstance(cell, (int, float)) and cell > 0]
    if not values:
        return 0.1, 1.0
    return max(min(values), max(values) / 10**MOST_DECADES), max(values)


def _controls(maps: dict[str, Map], langs: Languages) -> Raw:
    buttons = [
        h(
            "label",
            h("input", type="radio", name="heat", value=name, checked=not place, autocomplete="off"),
            langs.say(f"heat.{name}"),
        )
        for place, name in enumerate(maps)
    ]
    quantity = h("fieldset", h("legend", langs.say("heat.quantity")), *buttons, class_="switch")
    layer = h("label", langs.say("heat.layer"), " ", h("select", h("option", "-", value=""), id="layer"))
    return h("div", quantity, layer, class_="controls live")


def _still(name: str, found: Map, langs: Languages) -> Raw:
    low, high = limits(found, name)
    picture = h("img", src=heat(found["rows"], low, high, log=name not in LINEAR), alt="", class_="map")
    names = [h("li", label) for label in found["names"]]
    height = f"height:{16 * len(names)}px"
    steps = h(
        "div",
        *(h("span", langs.step(s)) for s in (found["steps"][0], found["steps"][-1])),
        class_="ends",
    )
    title = h("p", langs.say(f"heat.{name}"))
    return h(
        "div", title, h("div", h("ol", *names), picture, class_="rows", style=height), steps, class_="still heat-still"
    )


def _readout() -> Raw:
    return h("p", "\u00a0", id="heat-readout", class_="muted live", aria_live="polite")


def _key(name: str, found: Map, langs: Languages) -> Raw:
    """Return the legend: colours with numbers, and what the other two colours mean."""
    low, high = limits(found, name)
    middle = (low + high) / 2 if name in LINEAR else (low * high) ** 0.5
    stops = ",".join(f"rgb{colour}".replace(" ", "") for colour in CIVIDIS)
    bar = h("span", class_="ramp", style=f"background:linear-gradient(90deg,{stops})")
    numbers = h("span", *(h("span", number(value)) for value in (low, middle, high)), class_="ends", id="heat-numbers")
    others = h(
        "span",
        h("i", class_="bad"),
        langs.say("heat.nonfinite"),
        " ",
        h("i", class_="absent"),
        langs.say("heat.absent"),
    )
    return h("div", h("span", bar, numbers, class_="scale"), others, class_="heat-key")


def _sentences(maps: dict[str, Map], words: Words) -> Iterator[str]:
    for name, found in maps.items():
        last = [
            (row[-1], label)
            for row, label in zip(found["rows"], found["names"], strict=True)
            if isinstance(row[-1], (int, float))
        ]
        if last:
            (low, at_low), (high, at_high) = min(last), max(last)
            step = words.number(found["steps"][-1])
            yield words(
                "say.heat",
                quantity=words(f"heat.{name}"),
                step=step,
                low=number(low),
                at_low=at_low,
                high=number(high),
                at_high=at_high,
            )
    yield from _first_bad(maps, words)
    grouped = next((m for m in maps.values() if m["layers"] > len(m["names"])), None)
    if grouped:
        yield words("heat.grouped", layers=words.number(grouped["layers"]), groups=len(grouped["names"]))


def _first_bad(maps: dict[str, Map], words: Words) -> Iterator[str]:
    bad = [
        (step, label)
        for found in maps.values()
        for row, label in zip(found["rows"], found["names"], strict=True)
        for step, cell in zip(found["steps"], row, strict=True)
        if isinstance(cell, str)
    ]
    if bad:
        step, label = min(bad)
        yield words("say.bad", name=label, step=words.number(step))


def _tables(maps: dict[str, Map], langs: Languages) -> Iterator[Raw]:
    for name, found in maps.items():
        columns = ("heat.layer.column", "heat.first", "heat.last", "heat.low", "heat.high")
        head = h("tr", *(h("th", langs.say(key), scope="col") for key in columns))
        rows = [
            h("tr", h("th", label, scope="row"), *map(_cell, _ends(row)))
            for label, row in zip(found["names"], found["rows"], strict=True)
        ]
        table = h("div", h("table", h("thead", head), h("tbody", *rows)), class_="scroll")
        yield h(
            "details",
            h("summary", langs.say("charts.table"), langs.say("colon"), langs.say(f"heat.{name}")),
            table,
            class_="view",
        )


def _ends(row: list[Any]) -> tuple[Any, Any, Any, Any]:
    numbers = [cell for cell in row if isinstance(cell, (int, float))]
    return row[0], row[-1], min(numbers, default=None), max(numbers, default=None)


def _cell(value: Any) -> Raw:
    return h("td", "n/a" if value is None else value if isinstance(value, str) else number(value))
