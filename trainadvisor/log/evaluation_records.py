"""Which of the recorded evaluations are the validation of a training, and which look at its training data."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

Evaluation = dict[str, Any]
TRAIN, TEST = "train", "test"


def told_apart(evaluations: Iterable[Evaluation]) -> list[Evaluation]:
    """Return evaluations, those that one place makes of several data sets at one step each in a series of its own.

    Data sets are told apart by what a constant answer costs on them, where that stays from step to step.
    """
    found = list(evaluations)
    steps: dict[Any, dict[Any, list[Any]]] = {}
    for one in found:
        steps.setdefault(one.get("series"), {}).setdefault(one["step"], []).append(_data_of(one))
    several = {number for number, by_step in steps.items() if number is not None and _several(list(by_step.values()))}
    numbers: dict[Any, int] = {}
    free = 1 + max((int(number) for number in steps if number is not None), default=0)
    for one in found:
        if one.get("series") in several:
            numbers.setdefault((one["series"], _data_of(one)), free + len(numbers))
    return [
        {**one, "series": numbers[one["series"], _data_of(one)]} if one.get("series") in several else one
        for one in found
    ]


def _data_of(evaluation: Evaluation) -> tuple[Any, Any]:
    return evaluation.get("examples"), evaluation.get("trivial")


def _several(steps: list[list[Any]]) -> bool:
    """Return whether evaluations are of several data sets, each of them once a step at most."""
    most = max(map(len, steps))
    known = {data for step in steps for data in step}
    once = all(len(set(step)) == len(step) for step in steps)
    return once and len(known) == most > 1 and all(trivial is not None for _, trivial in known)


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
