"""Places, colors and lines of drawings, each against what can be worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from trainadvisor.report.html import heat_map, svg
from trainadvisor.report.html.svg import Scale
from trainadvisor.report.text.layout import _pieces, cells, clean, wrap
from trainadvisor.report.text.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "width", "bars"),
    [
        ([0, 7], 30, "▁█"), ([0, 1, 2, 3, 4, 5, 6, 7], 30, "▁▂▃▄▅▆▇█"), ([1], 30, ""), ([1, math.nan], 30, ""),
        ([1, math.inf, 2], 30, "▁█"), ([3, 3], 30, "▁▁"), ([1, 20, 10.5], 30, "▁█▅"), ([1, 10, 100], 30, "▁▅█"),
        ([-1, 99], 30, "▁█"), ([0, 1, 2, 3], 2, "▁▆"), ([0, 0, 7, 7, 0, 0, 7, 7], 4, "▁█▁█"),
        ([-1.7e308, 1.7e308], 30, "▁█"), ([0, 3, 10, 100], 30, "▁▁▂█"),
    ],
)  # fmt: skip
def test_a_curve_in_one_line(values: list[float], width: int, bars: str) -> None:
    """From the lowest to the highest, on a logarithmic scale beyond a factor of twenty."""
    assert sparkline(values, width) == bars


@pytest.mark.parametrize(
    ("scale", "places"),
    [
        (Scale(0, 10, 100, 200), {0: 100.0, 5: 150.0, 10: 200.0}), (Scale(0, 10, 200, 100), {0: 200.0, 2.5: 175.0}),
        (Scale(1, 100, 0, 50, log=True), {1: 0.0, 10: 25.0, 100: 50.0}), (Scale(2, 2, 0, 100),
        {2: 50.0, 1.8: 0.0, 2.2: 100.0}),
        (Scale(0, 0, 0, 100), {0: 50.0, 0.5: 100.0}), (Scale(10, 10, 0, 100, log=True), {10: 50.0}),
        (Scale(1, 3, 0, 10), {2: 5.0, 1.333: 1.7}),
    ],
)  # fmt: skip
def test_places_along_an_axis(scale: Scale, places: dict[float, float]) -> None:
    """To a tenth; a range without any width gets some."""
    assert {value: scale(value) for value in places} == places


@pytest.mark.parametrize(
    ("low", "high", "log", "ticks"),
    [
        (0, 10, False, [0, 2, 4, 6, 8, 10]), (1, 11, False, [2, 4, 6, 8, 10]),
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1, 1000, True, [1, 10, 100, 1000]), (1, 1e10, True, [1.0, 1e3, 1e6, 1e9]), (1, 9, True, [2, 4, 6, 8]),
        (2, 30, True, [10]), (1, 1e4, True, [1, 10, 100, 1e3, 1e4]), (1, 1e5, True, [1, 100, 1e4]),
    ],
)  # fmt: skip
def test_ticks(low: float, high: float, log: bool, ticks: list[float]) -> None:  # noqa: FBT001 - a table
    """Steps of 1, 2 or 5, or powers of ten, about five of them."""
    assert Scale(low, high, 0, 1, log=log).ticks() == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (999, "999"), (1234, "1,234"), (9_999, "9,999"), (10_000, "10k"), (12_500, "12.5k"),
        (999_000, "999k"),
        (1_000_000, "1M"), (2_500_000, "2.5M"),
    ],
)  # fmt: skip
def test_numbers_of_steps(value: float, text: str) -> None:
    """They take little room."""
    assert svg._step(value) == text


@pytest.mark.parametrize(
    ("value", "ticks", "text"),
    [
        (0.25, [0.25, 0.5], "0.2"), (0.5, [0.0, 0.5, 1.0], "0.5"), (20.0, [0.0, 20.0], "20"),
        (0.05, [0.0, 0.05], "0.05"),
        (0.001, [0.0, 0.001], "0.001"), (2000.0, [0.0, 2000.0], "2,000"), (10.0, [0.0, 10.0], "10"),
        (0.1, [0.0, 0.1], "0.1"),
    ],
)  # fmt: skip
def test_digits_of_a_tick(value: float, ticks: list[float], text: str) -> None:
    """As many as tell it from its neighbors."""
    assert svg._tick(value, ticks) == text


def spec(*values: Any, log: bool = False, **more: Any) -> dict[str, Any]:
    """Return a chart of one line."""
    line = {"x": 0, "y": list(values), "color": 1, "style": "line", **more}
    return {"lines": [line], "xs": [list(range(len(values)))], "log": log}


def test_scales_hold_all_values() -> None:
    """Marks too; on a logarithmic axis what is not above zero is left out."""
    drawn = spec(1.0, None, 4.0) | {"marks": [{"x": 1, "y": 8.0}]}
    x, y = svg.scales(drawn, 0, 2, (0, 10), (100, 0))
    assert (x.low, x.high, y.low, y.high) == (0, 2, 1.0, 8.0)
    x, y = svg.scales(spec(-1.0, 0.0, 10.0, 100.0, log=True) | {"marks": [{"x": 1, "y": 0.0}]}, 3, 3, (0, 10), (100, 0))
    assert (x.low, x.high, y.low, y.high) == (3, 4, 1.0, 2.0)
    assert (svg.scales(spec(None), 0, 1, (0, 1), (1, 0))[1].low, svg.scales(spec(None), 0, 1, (0, 1),
    (1, 0))[1].high) == (
        1.0, 10.0,
    )  # fmt: skip


def test_a_path_is_lifted_where_a_value_is_missing() -> None:
    """And where a logarithmic axis has no place for it."""
    x, y = Scale(0, 4, 0, 40), Scale(1, 100, 20, 0, log=True)
    assert svg._path([(0, 1.0), (1, 10.0), (2, None), (3, 0.0), (4, 100.0)], x, y) == "M0 20L10 10M40 0"
    assert svg._path([(0, 0.0), (1, -10.0)], x, Scale(-10, 10, 20, 0)) == "M0 10L10 20"


@pytest.mark.parametrize(
    ("band", "log", "drawn"),
    [
        ((2.0, 5.0), False, 'y="50.0" height="30.0"'), ((-3.0, 5.0), False, 'y="50.0" height="50.0"'),
        ((5.0, 99.0), False, 'y="0.0" height="50.0"'), ((11.0, 12.0), False, ""), (None, False, ""), ((5.0, 5.0),
        False, ""),
        ((10.0, 1000.0), True, 'y="0.0" height="50.0"'),
    ],
)  # fmt: skip
def test_a_band_within_the_axis(band: tuple[float, float] | None, log: bool, drawn: str) -> None:  # noqa: FBT001 - a table
    """Cut off at its ends, left out beyond them."""
    y = Scale(1, 100, 100, 0, log=True) if log else Scale(0, 10, 100, 0)
    made = "".join(map(str, svg._band(band, Scale(0, 4, 0, 40), y)))
    assert (drawn in made, 'x="0.0" width="40.0"' in made) == (True, bool(drawn))


def test_the_lowest_and_the_highest_of_each_stretch_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are needed for a line; a stretch without any value keeps a gap."""
    monkeypatch.setattr(svg, "MOST_POINTS", 4)
    values = [1.0, 3.0, 2.0, 0.5, *[None] * 8]
    assert svg._thin(range(4), values[:4]) == list(enumerate(values[:4]))
    assert svg._thin(range(12), values) == [(1, 3.0), (3, 0.5), (6, None)]


@pytest.mark.parametrize(("count", "width"), [(0, 1), (79, 1), (80, 2), (400, 10)])
def test_how_much_a_curve_is_smoothed(count: int, width: int) -> None:
    """Over a fortieth of its points."""
    assert svg.window(count) == width


def test_means_around_each_point() -> None:
    """Half of the width to each side, over what is known."""
    assert svg.smoothed([1.0, 2.0, 6.0, None, 5.0], 3) == [1.5, 3.0, 4.0, None, 5.0]
    assert svg.smoothed([1.0, 2.0, 3.0], 1) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("cell", "log", "color"),
    [
        (None, False, svg.ABSENT), ("nan", False, svg.NOT_FINITE), (0.0, False, svg.CIVIDIS[0]),
        (1.0, False, svg.CIVIDIS[-1]),
        (-5.0, False, svg.CIVIDIS[0]), (9.0, False, svg.CIVIDIS[-1]), (0.0, True, svg.CIVIDIS[0]),
        (1 / 9, False, svg.CIVIDIS[1]),
        (1 / 18, False, (9, 44, 95)),
    ],
)  # fmt: skip
def test_colors_of_cells(cell: Any, log: bool, color: tuple[int, int, int]) -> None:  # noqa: FBT001 - a table
    """Between two colors in proportion; beyond the scale the outermost one."""
    assert svg.shade(cell, 0.1 if log else 0.0, 1.0, log=log) == color


def test_colors_of_a_scale_without_a_width() -> None:
    """The middle one, and on a logarithmic scale that of the exponent."""
    assert svg.shade(3.0, 3.0, 3.0, log=False) == svg.shade(0.5, 0.0, 1.0, log=False) == (125, 124, 118)
    assert svg.shade(10.0, 1.0, 100.0, log=True) == svg.shade(0.5, 0.0, 1.0, log=False)


@pytest.mark.parametrize(
    ("rows", "name", "ends"),
    [
        ([[0.5, 2.0]], "dead", (0.0, 1.0)), ([[0.5, 2.0], [None, "nan"]], "grad", (0.5, 2.0)),
        ([[0.0, None]], "grad", (0.1, 1.0)), ([[1e-20, 1.0]], "grad", (1e-8, 1.0)),
    ],
)  # fmt: skip
def test_the_scale_of_a_heat_map(rows: list[list[Any]], name: str, ends: tuple[float, float]) -> None:
    """Eight powers of ten at most; shares go from none to all."""
    assert heat_map.limits({"rows": rows}, name) == pytest.approx(ends)


@pytest.mark.parametrize(
    ("known", "style", "smooth", "dotted"),
    [(60, "line", False, True), (61, "line", False, False), (5, "dash", False, False), (5, "line", True, False)],
)
def test_which_points_are_drawn(known: int, style: str, smooth: bool, dotted: bool) -> None:  # noqa: FBT001 - a table
    """Those of few samples; missing values do not count."""
    assert svg.is_dotted({"y": [1.0] * known + [None] * 9, "style": style, "smooth": smooth}) is dotted


def test_an_element_is_escaped() -> None:
    """And its attributes are named as in a page."""
    assert svg.tag("a", "<", class_="b", font_size=3) == '<a class="b" font-size="3">&lt;</a>'
    assert 'width="2"' in svg._rug(5.0, 5.5)
    assert 'x="5.0" width="4.5"' in svg._rug(5.0, 9.5)


def test_a_mark_and_an_onset() -> None:
    """A mark has no place below zero of a logarithmic axis; an onset is drawn inside the run alone."""
    marked = spec(1.0, 10.0, log=True) | {"marks": [{"x": 1, "y": 5.0}, {"x": 1, "y": 0.0}]}
    assert str(svg.chart(marked, 0, 1)).count('r="5"') == 1
    drawn = [str(svg.spark(spec(1.0, 2.0, 3.0), 0, 2, onset)).count("onset") for onset in (None, -1, 0, 2, 3)]
    assert drawn == [0, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("text", "longest", "shown"),
    [
        ("abcdef", 6, "abcdef"), ("ab cdefg hi", 10, "ab ... hi"), ("abcdefghijkl", 10, "abcde ... hijkl"),
        ("a\u202eb", 10, "a\\u202eb"), ("a\x07b", 10, "a\\x07b"),
    ],
)  # fmt: skip
def test_texts_of_any_length(text: str, longest: int, shown: str) -> None:
    """The middle goes, at a word where there is one."""
    assert clean(text, longest) == shown


def test_cells_of_marks_and_wide_characters() -> None:
    """Those that stand above another take none."""
    assert [cells(text) for text in ("ab", "e\u0301", "中文", "ａ", "é", "\u200d")] == [2, 1, 4, 2, 1, 0]
    assert list(_pieces("abcdefg", 3)) == ["abc", "def", "g"]
    assert (wrap("", 5), wrap("ab cd", 5), wrap("ab cde", 5)) == ([""], ["ab cd"], ["ab", "cde"])
