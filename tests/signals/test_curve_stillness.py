"""Curves of another tool's log that stand still, beside such as only look like it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from trainadvisor import signals
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path


def seen(folder: Path, rows: list[dict[str, Any]]) -> Any:
    """The signals of rows that another tool wrote."""
    path = folder / "rows"
    path.write_text("\n".join(map(json.dumps, rows)))
    return signals.of(read_log(path))


def level(value: float, scatter: float = 0.01, points: int = 40, **more: float) -> list[dict[str, Any]]:
    """Points whose losses lie on both sides of a value."""
    return [{"step": k, "loss": value * (1 + scatter * (-1) ** k), **more} for k in range(points)]


@pytest.mark.parametrize("classes", [2, 10, 100, 1000])
def test_a_flat_loss_at_the_logarithm_of_the_classes_is_told(classes: int, tmp_path: Path) -> None:
    """Equal probabilities for each class give that loss."""
    assert seen(tmp_path, level(math.log(classes)))["curve_level_classes"] == classes


@pytest.mark.parametrize(
    "rows",
    [
        level(2.35),
        level(math.log(10), scatter=0.05),
        [{"step": k, "loss": math.log(10) * (1.005 - k * 0.00025)} for k in range(40)],
        level(math.log(7)),
    ],
    ids=["another level", "single points far off", "it falls", "an unusual number of classes"],
)
def test_other_flat_curves_are_no_guess(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """A level near a logarithm by chance, noise, and the slow start of a run."""
    assert seen(tmp_path, rows)["curve_level_classes"] == 0


def test_too_few_points_and_a_logged_accuracy_leave_it_open(tmp_path: Path) -> None:
    """Ten points may be a slow start; an accuracy says more than a level."""
    assert seen(tmp_path, level(math.log(10), points=10))["curve_level_classes"] is None
    assert seen(tmp_path, level(math.log(10), accuracy=0.1))["curve_level_classes"] is None


def test_evaluations_that_agree_to_the_last_digit_are_counted(tmp_path: Path) -> None:
    """While the training loss halves with each epoch."""
    rows = [{"epoch": k, "loss": 0.5**k, "val_loss": 2.3026} for k in range(6)]
    told = seen(tmp_path, rows)
    assert told["curve_val_still"] == 6
    assert told["curve_fall"] == pytest.approx(1 - 0.5**4)


@pytest.mark.parametrize("values", [[0.25] * 6, [2.3026] * 5 + [2.3027]], ids=["two decimals", "one differs"])
def test_evaluations_that_may_differ_are_not(values: list[float], tmp_path: Path) -> None:
    """Two decimals hide what changes."""
    rows = [{"epoch": k, "loss": 0.5**k, "val_loss": value} for k, value in enumerate(values)]
    assert seen(tmp_path, rows)["curve_val_still"] == 0
