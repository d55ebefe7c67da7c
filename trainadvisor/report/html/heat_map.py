"""The heat map of layers over steps: a still picture, a place for the live one, its legend, its words and its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.report.html import svg
from trainadvisor.report.text.healthy import number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from trainadvisor.i18n.language import Words
    from trainadvisor.report.html.languages import Languages, Told

Map = dict[str, Any]
MOST_DECADES = 8.0
LINEAR = ("dead",)


@dataclass(frozen=True)
class Layer:
    """A layer's first and last value, lowest and highest."""

    name: str
    cells: list[str]


@dataclass(frozen=True)
class Quantity:
    """What a map is of."""

    name: str
    layers: list[Layer]


@dataclass(frozen=True)
class Heat:
    """The maps, and of the first the picture, its first and last step, and its scale of colors."""

    sentences: Told
    maps: list[Quantity]
    still: Markup
    ends: list[Told]
    scale: tuple[float, float, float]
    colors: str


def heat(maps: dict[str, Map], langs: Languages) -> Heat | None:
    """Return what the figure shows, None where nothing was recorded."""
    if not maps:
        return None
    name, shown = next(iter(maps.items()))
    low, high = limits(shown, name)
    return Heat(
        sentences=langs.each(lambda words: words("sentence.space").join(_sentences(maps, words))),
        maps=[Quantity(name, list(_layers(found))) for name, found in maps.items()],
        still=svg.heat(shown["rows"], low, high, log=name not in LINEAR),
        ends=[langs.step(step) for step in (shown["steps"][0], shown["steps"][-1])],
        scale=(low, (low + high) / 2 if name in LINEAR else (low * high) ** 0.5, high),
        colors=",".join(f"rgb{color}".replace(" ", "") for color in svg.CIVIDIS),
    )


def limits(found: Map, name: str) -> tuple[float, float]:
    """Return the lowest and highest value of the scale of colors."""
    if name in LINEAR:
        return 0.0, 1.0
    values = [cell for row in found["rows"] for cell in row if isinstance(cell, (int, float)) and cell > 0]
    if not values:
        return 0.1, 1.0
    return max(min(values), max(values) / 10**MOST_DECADES), max(values)


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


def _layers(found: Map) -> Iterator[Layer]:
    for label, row in zip(found["names"], found["rows"], strict=True):
        known = [cell for cell in row if isinstance(cell, (int, float))]
        ends = (row[0], row[-1], min(known, default=None), max(known, default=None))
        yield Layer(label, [_cell(value) for value in ends])


def _cell(value: Any) -> str:
    return "n/a" if value is None else value if isinstance(value, str) else number(value)
