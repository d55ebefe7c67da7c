"""Signals of copies that are evaluated in the place of the trained model."""

from pathlib import Path
from typing import Any

from builders import event, signals_of


def _copy(number: int, **more: Any) -> dict[str, Any]:
    return event("evaluated-copy", {"copy": number, "of": 0, "lag": 0.5, "original_rounds": 3, **more})


def test_the_copy_that_was_evaluated_most_is_told(tmp_path: Path) -> None:
    """Twice after the same step counts once."""
    copies = [
        _copy(1, lag=0.1),
        _copy(2, lag=0.9),
        _copy(2, still=False, copied=True, statistics_still=True, statistics_move=True),
    ]
    evals = [{"step": step, "model": model} for step, model in ((1, 1), (5, 2), (5, 2), (9, 2))]
    seen = signals_of(tmp_path, steps=9, events=copies, evals=evals)
    assert (seen["copy_evaluations"], seen["original_rounds"], seen["copy_lag"]) == (2, 3, 0.5)
    assert (seen["copy_still"], seen["copy_from_start"], seen["copy_statistics_still"]) == (False, True, True)


def test_statistics_that_do_not_move_anywhere_are_not_still(tmp_path: Path) -> None:
    """A frozen batch norm has nothing to follow; without a copy nothing is known."""
    seen = signals_of(tmp_path, steps=9, events=[_copy(1, statistics_still=True, statistics_move=False)])
    assert (seen["copy_statistics_still"], seen["copy_evaluations"]) == (False, 0)
    assert signals_of(tmp_path, steps=9)["copy_still"] is None


def test_a_copy_that_is_called_in_most_steps_is_not_what_is_evaluated(tmp_path: Path) -> None:
    """It makes the targets of the training; one that is called in fewer may be evaluated."""
    for rounds, told in ((60, None), (40, 1)):
        copy = event("evaluated-copy", {"copy": 1, "of": 0, "lag": 0.9, "rounds": rounds}, step=100)
        seen = signals_of(tmp_path, steps=100, events=[copy], evals=[{"step": 50, "model": 1}])
        assert seen["copy_evaluations"] == told


def test_a_copy_that_follows_and_is_sampled_from_counts_without_a_loss(tmp_path: Path) -> None:
    """One that stands still may be a reference, and one that is asked beside the trained model a teacher."""
    for more, told in (({}, 4), ({"still": True}, 0), ({"original_rounds": 4}, 0)):
        copy = event("evaluated-copy", {"copy": 1, "lag": 0.98, "rounds": 4, "original_rounds": 0, **more}, step=256)
        assert signals_of(tmp_path, steps=256, events=[copy])["copy_evaluations"] == told
