"""Small parts of pages by hand: names that are many or long, and the range of a drawing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trainadvisor.i18n.language import Words
from trainadvisor.report.html import finding_cards, preflight_page

MOST = finding_cards.MOST_SUBJECTS


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["a"], "a"), (["a", "b"], "a, b"), (["x" * 81], "x" * 80), (["x"] * MOST, ", ".join("x" * MOST)),
        (["x"] * (MOST + 2), ", ".join("x" * MOST) + " and 2 more"),
    ],
)  # fmt: skip
def test_so_many_subjects_are_named_and_so_much_of_each(names: list[str], shown: str) -> None:
    """The rest is counted."""
    assert finding_cards._subjects(names, Words("en")) == shown


@pytest.mark.parametrize(
    ("losses", "drawn"),
    [
        ([4.0, 4.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0], (1.0, 7.0)), ([4.0, 4.0, 1.0, 1.0, 5.0, 5.0, 5.0, 5.0], (1.0, 5.0)),
        ([2.0] * 8, (2.0, 2.0)), ([2.0] * 7 + [9.0], (2.0, 4.0)), ([0.0] * 7 + [9.0], (0.0, 1.0)),
        ([0.0] * 7 + [0.5], (0.0, 0.5)), ([3.0, 1.0], (1.0, 3.0)),
    ],
)  # fmt: skip
def test_losses_are_drawn_to_some_way_above_their_start(losses: list[float], drawn: tuple[float, float]) -> None:
    """As far as they have fallen, or as the start is from zero, or by one."""
    curve: Any = SimpleNamespace(smooth=losses)
    assert preflight_page._range(curve) == drawn
