"""What is lost of an earlier training is the rise of its held-out loss, where that of the new one falls."""

from pathlib import Path
from typing import Any

import pytest
from builders import signals_of

BEFORE, NOW = 50, 150
TRIVIAL = 2.3


def _evals(series: int, start: int, values: list[float], **more: Any) -> list[dict[str, Any]]:
    told = {"series": series, "model": 0, "mode": "eval", "examples": 400, "trivial": TRIVIAL, "loss_id": 0, **more}
    return [{"step": start + 10 * (k + 1), "loss": value, **told} for k, value in enumerate(values)]


def _signals(folder: Path, old: list[float], new: list[float], **more: Any) -> Any:
    """Return the signals of a training of fifty steps and one of a hundred, with evaluations on both data."""
    steps = [{"opt": [0]}] * BEFORE + [{"opt": [1]}] * (NOW - BEFORE)
    first = _evals(0, 0, [2.0, 1.0, 0.5, 0.4, 0.3])
    evals = first + _evals(1, BEFORE, old, **more) + _evals(2, BEFORE, new, examples=300)
    return signals_of(folder, steps=steps, evals=evals)


FALLING = [2.0 - 0.15 * k for k in range(10)]
RISING = [0.4 + 0.1 * k for k in range(10)]
STAYING = [0.31, 0.3, 0.31, 0.3, 0.31, 0.3, 0.31, 0.3, 0.3, 0.3]


def test_what_is_lost_is_a_share_of_what_was_learned(tmp_path: Path) -> None:
    """From 0.3 to 1.2 (the median of the last three) is 0.9 of the two nats that lie between 0.3 and a constant."""
    seen = _signals(tmp_path, RISING, FALLING)
    assert (seen["earlier_loss_then"], seen["earlier_loss_now"]) == (0.3, pytest.approx(1.2))
    assert seen["earlier_lost_share"] == pytest.approx(0.9 / 2.0)
    assert seen["earlier_loss_rise_noises"] > 8


def test_what_is_kept_is_not_lost(tmp_path: Path) -> None:
    """Data of the earlier training that is mixed in keeps its loss where it was."""
    assert _signals(tmp_path, STAYING, FALLING)["earlier_lost_share"] == pytest.approx(0.0)


@pytest.mark.parametrize("case", [
    {"new": RISING}, {"examples": 250}, {"trivial": 1.1}, {"model": 1}, {"split": "train"},
])  # fmt: skip
def test_nothing_is_told_of_other_data_or_without_a_task_that_is_learned(tmp_path: Path, case: dict[str, Any]) -> None:
    """Both losses rise; or the rising one is of other data, labels or models, or of the data trained on."""
    new = case.pop("new", FALLING)
    assert _signals(tmp_path, RISING, new, **case)["earlier_lost_share"] is None


@pytest.mark.parametrize(("labels", "drawn", "share"), [(0.9, 1.005, 0.45), (0.9, 1.04, None), (1.0, 1.005, None)])
def test_batches_drawn_anew_are_known_by_their_labels_unless_both_tasks_have_the_same(
    tmp_path: Path, labels: float, drawn: float, share: float | None
) -> None:
    """Of 400 labels drawn anew a constant answer costs up to 3.5 % more, and a tenth less on the new text."""
    old, new = _evals(1, BEFORE, RISING), _evals(2, BEFORE, FALLING)
    evals = _evals(0, 0, [2.0, 0.3], trivial=drawn * TRIVIAL) + old + [{**e, "trivial": labels * TRIVIAL} for e in new]
    steps = [{"opt": [0]}] * BEFORE + [{"opt": [1]}] * (NOW - BEFORE)
    seen = signals_of(tmp_path, steps=steps, evals=evals)["earlier_lost_share"]
    assert seen == (None if share is None else pytest.approx(share, abs=0.01))


@pytest.mark.parametrize(("line", "share"), [(7, 0.45), (8, 0.45), (None, None)])
def test_one_place_that_trains_twice_is_two_trainings(tmp_path: Path, line: int | None, share: float | None) -> None:
    """An optimizer made anew where another was, or elsewhere; one that goes on is one training."""
    groups = [{"parameters": [0]}]
    sites = [{"file": "a.py", "line": 7, "code": ""}, {"file": "a.py", "line": line or 7, "code": ""}]
    made = [{"id": k, "class": "Adam", "groups": groups, "site": site} for k, site in enumerate(sites)]
    steps = [{"opt": [0]}] * BEFORE + [{"opt": [1 if line else 0]}] * (NOW - BEFORE)
    evals = (
        _evals(0, 0, [2.0, 1.0, 0.5, 0.4, 0.3]) + _evals(0, BEFORE, RISING) + _evals(2, BEFORE, FALLING, examples=300)
    )
    seen = signals_of(tmp_path, steps=steps, evals=evals, optimizers=made)["earlier_lost_share"]
    assert seen == (None if share is None else pytest.approx(share, abs=0.01))
