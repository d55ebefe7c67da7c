"""Still pictures of charts, for pages whose scripts are blocked, for print and for small charts beside a finding."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from trainadvisor.report.text.healthy import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 240, 60, 24, 10, 18
MOST_POINTS, TICKS = 300, 5
MOST_DOTS = 60  # more dots than that are a line
# light theme; the style sheet sets the colors of both
COLOURS = ("#1d5fae", "#b4540a", "#2e7d4f", "#8a3fa0", "#5c6470")
CIVIDIS = (
    (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115),
    (138, 134, 120), (165, 156, 116), (195, 179, 105), (225, 204, 85), (254, 232, 56),
)  # fmt: skip
ABSENT, NOT_FINITE = (160, 160, 160), (200, 30, 30)
Point = tuple[float, float]
Color = tuple[int, int, int]


class Scale:
    """Maps values to places along an axis, linear or logarithmic."""

    def __init__(self, low: float, high: float, start: float, stop: float, *, log: bool = False) -> None:
        """Take the range of values and of places."""
        self.log = log
        self.low, self.high = (math.log10(low), math.log10(high)) if log else (low, high)
        if self.high - self.low < 1e-9 * max(abs(self.high), 1e-30):
            room = 0.5 if log else abs(self.high) * 0.1 or 0.5
            self.low, self.high = self.low - room, self.high + room
        self._start, self._length = start, stop - start

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        position = math.log10(value) if self.log else value
        return round(self._start + self._length * (position - self.low) / (self.high - self.low), 1)

    def ticks(self) -> list[float]:
        """Return round values inside the range: powers of ten, or steps of 1, 2 or 5."""
        if self.log and self.high - self.low >= 1:
            powers = list(range(math.ceil(self.low), math.floor(self.high) + 1))
            return [10.0**power for power in powers[:: max(1, math.ceil(len(powers) / TICKS))]]
        low, high = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        step = _nice((high - low) / TICKS)
        return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _nice(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= value), 10 * power)


def tag(name: str, /, *children: str, **attributes: object) -> Markup:
    """Return an element; `class_` and `font_size` stand for class and font-size."""
    given = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{given}>{''.join(map(escape, children))}</{name}>")  # noqa: S704 - escaped, names are ours


def chart(spec: dict[str, Any], first: int, last: int, width: int = WIDTH, look: str = "still") -> Markup:
    """Return a chart with axes, as an image of its own colors that the style sheet may change."""
    x, y = scales(spec, first, last, (LEFT, width - RIGHT), (HEIGHT - BOTTOM, TOP))
    parts = [*_axes(x, y), *_band(spec.get("band"), x, y), *_curves(spec, x, y)]
    parts += [_rug(x(start), x(end)) for start, end in spec.get("rug", [])]
    marks = [m for m in spec.get("marks", []) if not y.log or m["y"] > 0]
    parts += [
        tag("circle", cx=x(m["x"]), cy=y(m["y"]), r=5, fill="none", stroke=COLOURS[1], stroke_width=2, class_="c1")
        for m in marks
    ]
    return tag("svg", *parts, viewBox=f"0 0 {width} {HEIGHT}", class_=look, aria_hidden="true", focusable="false")


def spark(spec: dict[str, Any], first: int, last: int, onset: int | None) -> Markup:
    """Return a small chart without axes, with a line where something began."""
    x, y = scales(spec, first, last, (4, 256), (52, 6))
    parts = [*_band(spec.get("band"), x, y), *_curves(spec, x, y)]
    if onset is not None and first <= onset <= last:
        parts.append(
            tag("line", x1=x(onset), x2=x(onset), y1=0, y2=56, stroke="#b3261e", stroke_dasharray="4 3", class_="onset")
        )
    return tag("svg", *parts, viewBox="0 0 260 56", class_="spark", aria_hidden="true", focusable="false")


def scales(
    spec: dict[str, Any], first: int, last: int, across: tuple[float, float], up: tuple[float, float]
) -> tuple[Scale, Scale]:
    """Return the scales of a chart, wide enough for its values."""
    values = [v for line in spec["lines"] for v in line["y"] if v is not None and (v > 0 or not spec["log"])]
    values += [m["y"] for m in spec.get("marks", []) if m["y"] > 0 or not spec["log"]]
    low, high = (min(values), max(values)) if values else (1.0, 10.0)
    return Scale(first, max(last, first + 1), *across), Scale(low, high, *up, log=spec["log"])


def _axes(x: Scale, y: Scale) -> Iterable[Markup]:
    ticks = y.ticks()
    for value in ticks:
        yield tag("line", x1=LEFT, x2=x(x.high), y1=y(value), y2=y(value), stroke="#8884", class_="grid")
        yield _label(LEFT - 6, y(value) + 4, _tick(value, ticks), "end")
    for value in x.ticks():
        if value == int(value):
            yield _label(x(value), HEIGHT - 6, _step(value), "middle")


def _step(value: float) -> str:
    """Return a step number that takes little room."""
    for size, unit in ((1e6, "M"), (1e4, "k")):
        if value >= size:
            return f"{value / min(size, 1e6 if unit == 'M' else 1e3):g}{unit}"
    return f"{value:,.0f}"


def _tick(value: float, ticks: list[float]) -> str:
    """Return a number with the digits that tell it from its neighbors."""
    step = min((b - a for a, b in pairwise(ticks)), default=0.0)
    if step < 1e-3 or abs(value) >= 1e5:  # noqa: PLR2004 - powers of ten read better
        return number(value)
    return f"{value:,.{max(0, math.ceil(-math.log10(step) - 1e-9))}f}"


def _label(x: float, y: float, content: str, anchor: str) -> Markup:
    look = {"text_anchor": anchor, "font_size": 13, "fill": "currentColor", "font_family": "sans-serif"}
    return tag("text", content, x=x, y=y, **look)


def _band(band: Sequence[float] | None, x: Scale, y: Scale) -> Iterable[Markup]:
    if not band:
        return
    low, high = (10**y.low, 10**y.high) if y.log else (y.low, y.high)
    bottom, top = max(band[0], low), min(band[1], high)
    if bottom < top:
        left, right = x(x.low), x(x.high)
        yield tag(
            "rect",
            x=left,
            width=right - left,
            y=y(top),
            height=round(y(bottom) - y(top), 1),
            fill="#2e7d4f22",
            class_="band",
        )


def _curves(spec: dict[str, Any], x: Scale, y: Scale) -> Iterable[Markup]:
    for line in spec["lines"]:
        values = smoothed(line["y"], window(len(line["y"]))) if line.get("smooth") else line["y"]
        points = _thin(spec["xs"][line["x"]], values)
        color = line["color"]
        look = {"stroke": COLOURS[color], "class_": f"c{color}", "fill": "none", "stroke_width": 1.8}
        if line["style"] == "raw":
            look |= {"stroke_opacity": 0.35, "stroke_width": 1}
        if line["style"] == "dash":
            look["stroke_dasharray"] = "6 4"
        yield tag("path", d=_path(points, x, y), **look)
        if is_dotted(line):
            yield from _dots(points, x, y, color)


def is_dotted(line: dict[str, Any]) -> bool:
    """Return whether each point of a line is drawn: a curve between few samples would say more than was seen."""
    known = sum(value is not None for value in line["y"])
    return line["style"] != "dash" and not line.get("smooth") and known <= MOST_DOTS


def _dots(points: Iterable[tuple[float, float | None]], x: Scale, y: Scale, color: int) -> Iterable[Markup]:
    for step, value in points:
        if value is not None and (value > 0 or not y.log):
            yield tag("circle", cx=x(step), cy=y(value), r=2.5, fill=COLOURS[color], class_=f"d{color}")


def _thin(steps: Sequence[int], values: Sequence[float | None]) -> list[tuple[float, float | None]]:
    """Keep the lowest and the highest of each stretch."""
    pairs: list[tuple[float, float | None]] = list(zip(steps, values, strict=True))
    width = 2 * math.ceil(len(pairs) / MOST_POINTS)
    if len(pairs) <= MOST_POINTS:
        return pairs
    kept: list[tuple[float, float | None]] = []
    for start in range(0, len(pairs), width):
        piece = pairs[start : start + width]
        known = [pair for pair in piece if pair[1] is not None]
        kept += sorted({min(known, key=_value), max(known, key=_value)}) if known else piece[:1]
    return kept


def _value(pair: tuple[float, float | None]) -> float:
    return pair[1] or 0.0


def _path(points: Iterable[tuple[float, float | None]], x: Scale, y: Scale) -> str:
    """Return the commands of a path, lifted where a value is missing."""
    commands, down = [], False
    for step, value in points:
        drawn = value is not None and (value > 0 or not y.log)
        if drawn and value is not None:
            commands.append(f"{'L' if down else 'M'}{x(step):g} {y(value):g}")
        down = drawn
    return "".join(commands)


def _rug(start: float, end: float) -> Markup:
    return tag(
        "rect",
        x=start,
        width=max(2, round(end - start, 1)),
        y=HEIGHT - BOTTOM - 6,
        height=6,
        fill="#b3261e",
        class_="rug",
    )


def window(count: int) -> int:
    """Return how many points are averaged unless the reader chooses otherwise."""
    return max(1, count // 40)


def smoothed(values: Sequence[float | None], width: int) -> list[float | None]:
    """Return centred means of the values around each point; a missing value stays missing."""
    sums, counts = [0.0], [0]
    for value in values:
        sums.append(sums[-1] + (value or 0.0))
        counts.append(counts[-1] + (value is not None))
    half, size = width // 2, len(values)
    result: list[float | None] = []
    for place, value in enumerate(values):
        start, stop = max(0, place - half), min(size, place + half + 1)
        known = counts[stop] - counts[start]
        result.append(None if value is None else float(f"{(sums[stop] - sums[start]) / known:.4g}"))
    return result


def heat(rows: list[list[Any]], low: float, high: float, *, log: bool) -> Markup:
    """Return a map as a PNG in a data address, one pixel a cell."""
    pixels = b"".join(b"\0" + b"".join(bytes(shade(cell, low, high, log=log)) for cell in row) for row in rows)
    size = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return Markup("data:image/png;base64," + base64.b64encode(png).decode("ascii"))  # noqa: S704 - base64


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def shade(cell: Any, low: float, high: float, *, log: bool) -> Color:
    """Return the color of a cell."""
    if cell is None:
        return ABSENT
    if isinstance(cell, str):
        return NOT_FINITE
    if log and cell <= 0:
        return CIVIDIS[0]
    span = Scale(low, high, 0, 1, log=log) if low < high else None
    position = (((math.log10(cell) if log else cell) - span.low) / (span.high - span.low)) if span else 0.5
    place = min(max(position, 0.0), 1.0) * (len(CIVIDIS) - 1)
    start = min(int(place), len(CIVIDIS) - 2)
    part = place - start
    red, green, blue = (round(a + part * (b - a)) for a, b in zip(CIVIDIS[start], CIVIDIS[start + 1], strict=True))
    return red, green, blue
