"""Phases of a training, such as pretraining with one optimizer, then training with another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainadvisor.log.columns import StepColumns

MAIN_SHARE = 0.25


@dataclass(frozen=True)
class TrainingPhase:
    """A stretch of steps; `start` and `stop` count records, `first` and `last` are step numbers."""

    start: int
    stop: int
    first: int
    last: int
    optimizers: tuple[int, ...]
    opening: bool = False
    # Whether no other phase follows: evaluations after the last recorded step are its own.
    closing: bool = False

    def covers_eval(self, step: int) -> bool:
        """Return whether an evaluation after `step` steps belongs to the phase."""
        inside = self.first < step <= self.last + 1
        return inside or (self.opening and step <= self.first) or (self.closing and step > self.last)


def phases_of(columns: StepColumns, optimizers: Iterable[Mapping[str, Any]] = ()) -> list[TrainingPhase]:
    """Return the phases in order; together they cover every step.

    An optimizer that is made anew at the same place for the same parameters goes on with the training.
    """
    same = _made_anew(optimizers)
    uses: dict[int, tuple[int, int]] = {}
    for optimizer, first in columns.first_use.items():
        start, stop = uses.get(same.get(optimizer, optimizer), (first, first))
        uses[same.get(optimizer, optimizer)] = min(start, first), max(stop, columns.last_use[optimizer])
    groups = _overlapping(sorted((first, last, optimizer) for optimizer, (first, last) in uses.items()))
    members: dict[int, list[int]] = {}
    for optimizer in columns.first_use:
        members.setdefault(same.get(optimizer, optimizer), []).append(optimizer)
    groups = [(start, stop, [o for first in used for o in members[first]]) for start, stop, used in groups]
    starts = [0] + [start for start, _, _ in groups[1:]]
    stops = [*starts[1:], columns.kept]
    numbers = columns.column("step")
    return [
        TrainingPhase(
            start,
            stop,
            *_range(numbers[start:stop]),
            optimizers=tuple(used),
            opening=start == 0,
            closing=stop == columns.kept,
        )
        for start, stop, (_, _, used) in zip(starts, stops, groups or [(0, 0, [])], strict=True)
    ]


def _made_anew(optimizers: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """Return for each optimizer the first one that was made at the same line for the same parameters."""
    first: dict[Any, int] = {}
    same = {}
    for optimizer in optimizers:
        site = optimizer.get("site")
        held = frozenset(number for group in optimizer["groups"] for number in group["parameters"])
        if isinstance(site, dict) and held:
            key = (optimizer.get("class"), site.get("file"), site.get("line"), held)
            same[optimizer["id"]] = first.setdefault(key, optimizer["id"])
    return same


def renewed(optimizers: Iterable[Mapping[str, Any]], among: Iterable[int]) -> list[int]:
    """Return those among some optimizers that were made anew at the place of another one."""
    same = _made_anew(optimizers)
    return [number for number in among if same.get(number, number) != number]


def _overlapping(uses: list[tuple[int, int, int]]) -> list[tuple[int, int, list[int]]]:
    groups: list[tuple[int, int, list[int]]] = []
    for first, last, optimizer in uses:
        if groups and first <= groups[-1][1]:
            start, stop, used = groups.pop()
            groups.append((start, max(stop, last), [*used, optimizer]))
        else:
            groups.append((first, last, [optimizer]))
    return groups


def _range(numbers: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[int, int]:
    return (int(numbers.min()), int(numbers.max())) if numbers.size else (0, -1)


def main_phase(phases: list[TrainingPhase]) -> TrainingPhase:
    """Return the last phase with a fair share of the steps, else the longest."""
    total = sum(phase.stop - phase.start for phase in phases)
    fair = [phase for phase in phases if phase.stop - phase.start >= MAIN_SHARE * total]
    return fair[-1] if fair else max(phases, key=lambda phase: phase.stop - phase.start)
