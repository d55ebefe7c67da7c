"""Weights that are too coarse for the steps of a run that has learned."""

from typing import Any

import pytest

from trainadvisor.judge.rounding_doubts import steps_rounded

LOST = {"update_roundings": 0.4, "foreign_parameters": 0.0, "skill": 0.9}


class _Seen:
    """Figures of a run."""

    def __init__(self, figures: dict[str, Any]) -> None:
        self._figures = figures
        self.run: dict[str, Any] = {}

    def figure(self, name: str) -> float | None:
        """Return one of them."""
        return self._figures.get(name)


@pytest.mark.parametrize("beside", [{}, {"skill": None}])
def test_steps_that_are_rounded_away_leave_it_open(beside: dict[str, Any]) -> None:
    """The loss might have fallen further."""
    assert [remark.kind for remark in steps_rounded(_Seen(LOST | beside))] == ["steps-rounded"]


@pytest.mark.parametrize(
    "beside", [{"update_roundings": 0.8}, {"update_roundings": None}, {"foreign_parameters": 4.0}, {"skill": 0.97}]
)
def test_steps_that_get_through_leave_nothing_open(beside: dict[str, Any]) -> None:
    """Longer steps, float32 weights, float32 copies of them, and nothing left to learn."""
    assert list(steps_rounded(_Seen(LOST | beside))) == []
