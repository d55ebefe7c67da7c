"""Which of the recorded evaluations are the validation of a training, and which look at its training data."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

Evaluation = dict[str, Any]
TRAIN, TEST = "train", "test"


def on_training_data(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Return the evaluations of series that were made on the data of the training."""
    found = list(evaluations)
    train = _training_series(found)
    return [e for e in found if e.get("split") == TRAIN or e.get("series") in train]


def held_out(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Return the evaluations that are the validation: of one series, where several are made at the same step.

    An opening look at a part of the data, as some trainers take it to see that nothing fails, is none.
    """
    found = list(evaluations)
    train = _training_series(found)
    others = [e for e in found if e.get("split") != TRAIN and e.get("series") not in train]
    return _without_opening_look(_chosen(others))


def _training_series(evaluations: list[Evaluation]) -> set[Any]:
    return {e.get("series") for e in evaluations if e.get("split") == TRAIN} - {None}


def _chosen(evaluations: list[Evaluation]) -> list[Evaluation]:
    if any(e.get("given") for e in evaluations):
        return [e for e in evaluations if e.get("given")]
    numbers = list(dict.fromkeys(e.get("series") for e in evaluations))
    if not _coincide(evaluations):
        return evaluations
    by_series = {number: [e for e in evaluations if e.get("series") == number] for number in numbers}
    best = max(numbers, key=lambda number: _rank(by_series[number], numbers.index(number)))
    return [e for e in evaluations if e.get("series") == best or _is_alike(e, by_series[best])]


def _coincide(evaluations: list[Evaluation]) -> bool:
    """Return whether evaluations of different series were made at the same step."""
    seen = {(e["step"], e.get("series")) for e in evaluations}
    return max(Counter(step for step, _ in seen).values(), default=0) > 1


def _rank(series: list[Evaluation], place: int) -> tuple[Any, ...]:
    """Return how well a series suits as validation.

    It is made often, has a loss, is no test, and has the highest loss, since the data of the training gives the lowest.
    """
    losses = [e["loss"] for e in series if isinstance(e.get("loss"), (int, float))]
    is_test = all(e.get("split") == TEST for e in series)
    return len(series), bool(losses), not is_test, losses[-1] if losses else 0.0, place


def _is_alike(evaluation: Evaluation, series: list[Evaluation]) -> bool:
    """Return whether an evaluation at another step and another place of the script repeats the series."""
    first = series[0]
    same = all(evaluation.get(name) == first.get(name) for name in ("split", "loss_id", "examples", "model"))
    return same and evaluation["step"] not in {e["step"] for e in series}


def _without_opening_look(evaluations: list[Evaluation]) -> list[Evaluation]:
    later = [e["examples"] for e in evaluations if e["step"] > 0 and isinstance(e.get("examples"), int)]
    least = min(later, default=0)
    return [e for e in evaluations if e["step"] > 0 or not isinstance(e.get("examples"), int) or e["examples"] >= least]
