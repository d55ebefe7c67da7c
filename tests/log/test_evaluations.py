"""Which evaluations count as the validation of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log

from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, Any]]


def _evals(folder: Path, rows: Rows, *, steps: int = 40) -> tuple[list[float], list[float]]:
    """Return the losses of the validation and of the evaluations on training data."""
    log = read_log(build_log(folder, columns={"loss": [1.0] * steps}, evals=rows))
    return [e["loss"] for e in log.evals], [e["loss"] for e in log.train_evals]


def _series(number: int, *losses: float, **fields: Any) -> Rows:
    return [{"step": 10 * i, "series": number, "loss": v, **fields} for i, v in enumerate(losses, 1)]


def test_evaluations_on_training_data_are_no_validation(tmp_path: Path) -> None:
    """Also those of the series that were made before the training had shown its data."""
    train, held_out = _series(0, 3.0, 2.0, 1.0, split="train"), _series(1, 3.5, 3.0, 3.2, split="validation")
    train[0]["split"] = None
    assert _evals(tmp_path, train + held_out) == ([3.5, 3.0, 3.2], [3.0, 2.0, 1.0])


def test_one_series_of_several_at_the_same_steps_is_the_validation(tmp_path: Path) -> None:
    """No test where there is a validation, else the one with the higher loss; the one that is made more often."""
    test, other = _series(0, 4.0, 4.0, split="test"), _series(1, 2.0, 2.0)
    assert _evals(tmp_path, test + other)[0] == [2.0, 2.0]
    assert _evals(tmp_path, _series(0, 1.0, 0.5) + _series(1, 1.5, 1.4))[0] == [1.5, 1.4]
    assert _evals(tmp_path, _series(0, 1.0, 0.5, 0.4) + _series(1, 1.5, 1.4))[0] == [1.0, 0.5, 0.4]


def test_series_at_different_steps_are_one_validation(tmp_path: Path) -> None:
    """Data made anew for each evaluation."""
    rows = [{"step": 10 * i, "series": i, "loss": float(i)} for i in (1, 2, 3)]
    assert _evals(tmp_path, rows)[0] == [1.0, 2.0, 3.0]


def test_figures_that_the_script_gives_come_first(tmp_path: Path) -> None:
    """Beside what was seen."""
    given = [{"step": 10, "given": True, "loss": 7.0}]
    assert _evals(tmp_path, [*_series(0, 1.0, 2.0), *given])[0] == [7.0]


@pytest.mark.parametrize(("examples", "kept"), [(4, [2.0, 1.0]), (40, [9.0, 2.0, 1.0])])
def test_an_opening_look_at_a_part_of_the_data_is_no_evaluation(
    tmp_path: Path, examples: int, kept: list[float]
) -> None:
    """Two batches before the first step, as Lightning takes them; a whole evaluation counts."""
    rows = [{"step": 0, "series": 0, "loss": 9.0, "examples": examples}, *_series(0, 2.0, 1.0, examples=40)]
    assert _evals(tmp_path, rows)[0] == kept


def test_evaluations_after_the_last_step_belong_to_the_run(tmp_path: Path) -> None:
    """Also where the last steps left no record."""
    assert _evals(tmp_path, [{"step": 40, "loss": 2.0}, {"step": 47, "loss": 1.0}])[0] == [2.0, 1.0]


def test_a_log_without_series_is_read_as_before(tmp_path: Path) -> None:
    """Two evaluations at one step, by an older recorder."""
    assert _evals(tmp_path, [{"step": 10, "loss": 2.0}, {"step": 10, "loss": 1.0}])[0] == [2.0, 1.0]


def _numbers(folder: Path, rows: Rows) -> list[int]:
    """Return the numbers of the series in the order of the evaluations."""
    return [e["series"] for e in read_log(build_log(folder, columns={"loss": [1.0] * 40}, evals=rows)).told_evals]


def _of(trivial: float, *steps: int) -> Rows:
    return [{"step": s, "series": 0, "loss": trivial / s, "examples": 64, "trivial": trivial} for s in steps]


def test_data_sets_of_one_place_are_told_apart_by_what_a_constant_answer_costs_on_them(tmp_path: Path) -> None:
    """One of them may be evaluated more often."""
    assert _numbers(tmp_path, _of(2.7, 10, 20, 30) + _of(2.9, 10, 20)) == [1, 1, 1, 2, 2]


def test_data_drawn_anew_stays_in_one_series(tmp_path: Path) -> None:
    """Two batches a step, each with labels of its own; and the same data twice a step."""
    drawn = [row for k in range(6) for row in _of(2.7 + 0.01 * k, 10 * (1 + k // 2))]
    assert _numbers(tmp_path, drawn) == [0] * 6
    assert _numbers(tmp_path, _of(2.7, 10, 20) + _of(2.7, 10, 20)) == [0] * 4
