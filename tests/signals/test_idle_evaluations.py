"""Evaluations between which nothing was trained."""

from pathlib import Path
from typing import Any

import pytest
from builders import signals_of


def _idle(tmp_path: Path, evals: list[dict[str, Any]], **header: Any) -> Any:
    return signals_of(tmp_path, columns={"loss": [1.0] * 10}, evals=evals, **header)["idle_evaluations"]


def test_equal_evaluations_after_the_last_step_are_idle(tmp_path: Path) -> None:
    """Four at step 10 of ten steps."""
    assert _idle(tmp_path, [{"step": 10, "loss": 0.5, "series": 0}] * 4) == 4


@pytest.mark.parametrize(
    "evals",
    [
        [{"step": step, "loss": 0.5, "series": 0} for step in (4, 10, 10, 10)],
        [{"step": 10, "loss": loss, "series": 0} for loss in (0.5, 0.6, 0.5)],
        [{"step": 10, "series": 0}] * 3,
    ],
    ids=["one in the middle", "different figures", "no figures"],
)
def test_what_follows_a_training_that_was_evaluated_is_not_idle(tmp_path: Path, evals: list[dict[str, Any]]) -> None:
    """A split of its own each, or nothing that could be equal."""
    assert _idle(tmp_path, evals) == 0


def test_places_are_counted_apart(tmp_path: Path) -> None:
    """Validation and test, once each."""
    assert _idle(tmp_path, [{"step": 10, "loss": 0.5, "series": number} for number in (0, 1)]) == 1


def test_nothing_is_known_without_evaluations(tmp_path: Path) -> None:
    """Nor of a log of another tool."""
    assert _idle(tmp_path, []) is None
    assert _idle(tmp_path, [{"step": 10, "loss": 0.5}] * 4, source="keras-csv") is None
