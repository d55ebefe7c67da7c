"""The pictures of a notebook: their points worked out by hand, and how much of a diagnosis a card holds."""

from __future__ import annotations

import re
from math import log

import pytest

from trainadvisor.judge.result import Diagnosis
from trainadvisor.report.html import notebook_card


def diagnosis(codes: int = 0, curve: list[list[float]] | None = None) -> Diagnosis:
    """Return a diagnosis with so many findings and a curve of the loss."""
    base = {"family": "numerics", "kind": "cause", "severity": "error", "confidence": "certain", "sentence": "s"}
    found = [{**base, "code": f"code-{n}", "title": "t"} for n in range(codes)]
    return Diagnosis.model_validate(
        {"state": "broken", "summary": "s", "findings": found, "run": {"loss_curve": curve or []}}
    )


@pytest.mark.parametrize(("codes", "shown"), [(0, 0), (6, 6), (7, 6)])
def test_a_card_names_six_findings(codes: int, shown: int) -> None:
    """Those that come first."""
    text = notebook_card.html(diagnosis(codes))
    assert sorted(set(re.findall(r"code-\d", text))) == [f"code-{n}" for n in range(shown)]


def points(text: str) -> list[tuple[float, float]]:
    """Return the points of the only line."""
    (found,) = re.findall(r'points="([^"]*)"', text)
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in found.split())]


def test_a_curve_fills_its_picture() -> None:
    """240 wide and 40 high, with two left free above and below; the lowest value is at the bottom."""
    drawn = points(notebook_card.html(diagnosis(curve=[[10, 3.0], [20, 2.0], [50, 1.0]])))
    assert drawn == [(0.0, 2.0), (60.0, 20.0), (240.0, 38.0)]


@pytest.mark.parametrize(("highest", "logarithmic"), [(20.0, False), (21.0, True)])
def test_values_far_apart_are_drawn_on_a_logarithmic_axis(highest: float, *, logarithmic: bool) -> None:
    """More than twenty times."""
    drawn = points(notebook_card.html(diagnosis(curve=[[0, highest], [1, 4.0], [2, 1.0]])))
    share = log(4.0) / log(highest) if logarithmic else 3.0 / (highest - 1)
    assert drawn[1] == (120.0, pytest.approx(38 - 36 * share, abs=0.06))


def test_a_value_that_stays_is_a_line_at_the_bottom() -> None:
    """One point, or none, is no curve."""
    assert points(notebook_card.html(diagnosis(curve=[[0, 1.0], [1, 1.0]]))) == [(0.0, 38.0), (240.0, 38.0)]
    assert "<polyline" not in notebook_card.html(diagnosis(curve=[[0, 1.0]]))
    assert "<polyline" not in notebook_card.html(diagnosis())


def test_a_curve_is_told_to_who_cannot_see_it() -> None:
    """Its first and last value."""
    (label,) = re.findall(r'aria-label="([^"]*)"', notebook_card.html(diagnosis(curve=[[0, 3.0], [1, 0.25]])))
    assert ("3" in label, "0.25" in label) == (True, True)
