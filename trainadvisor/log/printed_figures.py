"""The figures that a script printed, beside what was recorded of the evaluations that they are of."""

from collections.abc import Iterable
from typing import Any

from trainadvisor.log.cleaning import number

PRINTED = "figures-printed"
Evaluation = dict[str, Any]
# Figures by name, with the step after which they were printed.
Printed = tuple[int, dict[str, float]]


def printed(events: Iterable[dict[str, Any]], data: str) -> list[Printed]:
    """Return what was printed of held-out data ("held_out"), or of data that the lines do not tell ("unsaid")."""
    found = []
    for event in events:
        told = event["detail"].get(data) if event["kind"] == PRINTED else None
        known = {str(name): number(value) for name, value in (told or {}).items()}
        finite = {name: value for name, value in known.items() if value is not None}
        if finite:
            found.append((event["step"], finite))
    return found


def with_printed(evaluations: list[Evaluation], events: list[dict[str, Any]], *, alone: bool) -> list[Evaluation]:
    """Return evaluations with the metrics that were printed after them, before the training went on.

    What does not say its data is taken where no evaluation of training data can be meant: these stand `alone`. Of two
    evaluations at one step the last is meant, and what was recorded by us stays.
    """
    told = printed(events, "held_out") + (printed(events, "unsaid") if alone else [])
    by_step: dict[int, dict[str, float]] = {}
    for step, figures in told:
        by_step.setdefault(step, {}).update(figures)
    if not by_step:
        return evaluations
    last = {one["step"]: place for place, one in enumerate(evaluations)}
    ours = [one["metrics"] for one in evaluations]
    return [
        {**one, "metrics": ours[place] | by_step.get(one["step"], {}) | ours[place]}
        if last[one["step"]] == place
        else one
        for place, one in enumerate(evaluations)
    ]
