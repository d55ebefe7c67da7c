"""What the page is made of: smoothed curves, ticks, pictures, and figures with their units."""

from __future__ import annotations

import base64
import zlib

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.report.html import charts, other_trainings, svg, verdict
from trainadvisor.report.html.languages import Languages
from trainadvisor.report.html.svg import Scale, heat, smoothed


def test_smoothing_is_a_centred_mean_that_keeps_gaps() -> None:
    """A missing value stays missing and counts for nothing."""
    assert smoothed([1.0, 2.0, 3.0, None, 5.0], 3) == [1.5, 2.0, 2.5, None, 5.0]


def test_ticks_are_round_and_powers_of_ten_on_a_wide_logarithmic_axis() -> None:
    """People read 0, 2, 4 and 0.01, 1, 100."""
    assert Scale(0, 9, 0, 1).ticks() == [0, 2, 4, 6, 8]
    assert Scale(0.005, 200, 0, 1, log=True).ticks() == [0.01, 0.1, 1.0, 10.0, 100.0]


def test_a_heat_map_is_a_picture() -> None:
    """A PNG of one pixel a cell: missing, not finite, lowest and highest in their colors."""
    data = base64.b64decode(heat([[None, "inf", 0.1, 10.0]], 0.1, 10.0, log=True).partition(",")[2])
    assert data.startswith(b"\x89PNG")
    start = data.index(b"IDAT") + 4
    assert list(zlib.decompress(data[start:-16])) == [0, 160, 160, 160, 200, 30, 30, 0, 34, 78, 254, 232, 56]


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [(42.0, "42 s", "42 秒"), (600.0, "10 min", "10 分钟"), (54000.0, "15 h", "15 小时")],
)
def test_a_duration_is_told_in_the_unit_that_fits(seconds: float, english: str, chinese: str) -> None:
    """Seconds, minutes, or hours."""
    curves = {"span": {"time": {"x": [0], "y": [seconds]}}}
    assert [verdict._duration(curves, Words(lang)) for lang in ("en", "zh")] == [english, chinese]


def spec_of(*values: float | None, **line: object) -> dict:
    """Return a chart of one line."""
    drawn = {"x": 0, "y": list(values), "name": {"en": "loss"}, "color": 0, "style": "main", **line}
    return {"id": "grad", "xs": [list(range(len(values)))], "lines": [drawn], "log": False}


def test_few_samples_are_drawn_as_points() -> None:
    """A line between ten samples would say more than was seen; a dense one, a smoothed one and a limit have none."""
    few, many = [1.0, 2.0, None] * 10, [1.0, 2.0] * 100
    assert str(svg.chart(spec_of(*few), 0, 29)).count("<circle") == 20
    assert "<circle" not in str(svg.chart(spec_of(*many), 0, 199))
    assert "<circle" not in str(svg.chart(spec_of(*few, smooth=True), 0, 29))
    assert "<circle" not in str(svg.chart(spec_of(*few, style="dash"), 0, 29))


def test_legends_tell_the_last_value() -> None:
    """With the unit of the chart; what a smoothed line ends at is no measurement."""
    curves = {"span": {"first": 0, "last": 2}, "marks": {"nonfinite": []}}
    langs = Languages(["en"])
    spec = spec_of(3.0, 0.25, None) | {"unit": "ms"}
    spec["lines"] += spec_of(3.0, 0.25, None, smooth=True)["lines"]
    assert [line.last for line in charts.figure(spec, curves, langs).lines] == ["0.25 ms", ""]


@pytest.mark.parametrize(("value", "step"), [(1, 1), (1.5, 2), (2, 2), (3, 5), (5, 5), (6, 10), (0.02, 0.02)])
def test_the_step_of_an_axis_is_the_next_round_number(value: float, step: float) -> None:
    """1, 2 or 5 times a power of ten; a round number is its own."""
    assert svg._nice(value) == pytest.approx(step)


@pytest.mark.parametrize(
    ("created", "told"),
    [
        ("2026-11-30T08:55:44+00:00", "2026-11-30 08:55 UTC"),
        ("2026-11-30T16:55:44+08:00", "2026-11-30 16:55 UTC+08:00"),
        ("2026-11-30T16:55:44", "2026-11-30 16:55"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_a_moment_says_in_which_zone_it_is_meant(created: str | None, told: str | None) -> None:
    """Unless the log does not say."""
    assert verdict._moment(created) == told


PHASE = {"first": 1000, "last": 2000, "state": "broken", "model": "Net", "optimizer": "SGD", "site": "train.py:3"}


def test_a_training_without_a_step_has_a_heading_and_no_charts() -> None:
    """Only trainings that the log tells of are shown, by their places from 1."""
    empty = {"span": {"count": 0}}
    langs = Languages(["en"])
    (shown,) = other_trainings.sections([PHASE], {0: empty, 1: empty, 2: empty}, langs)
    assert (shown.place, shown.charts) == (1, [])
    assert shown.heading.__html__() == "Training 1: BROKEN (steps 1,000 to 2,000; Net, SGD, train.py:3)"


@pytest.mark.parametrize(
    ("values", "width", "means"),
    [
        ([1.0, 2.0, 6.0], 1, [1.0, 2.0, 6.0]), ([1.0, 2.0, 6.0], 3, [1.5, 3.0, 4.0]),
        ([1.0, None, 3.0, 5.0], 3, [1.0, None, 4.0, 4.0]), ([None, None], 3, [None, None]), ([], 3, []),
        ([1.0, 2.0, 3.0, 4.0, 5.0], 4, [2.0, 2.5, 3.0, 3.5, 4.0]), ([1.0, 1.0, 1.0001], 1, [1.0, 1.0, 1.0]),
    ],
)  # fmt: skip
def test_a_smoothed_line_is_the_mean_around_each_point(
    values: list[float | None], width: int, means: list[float | None]
) -> None:
    """Of what is known there; what is missing stays missing, and four digits stay."""
    assert svg.smoothed(values, width) == means
