"""What the page is made of: smoothed curves, ticks, pictures, and figures with their units."""

from __future__ import annotations

import base64
import zlib

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.report.html import verdict
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
