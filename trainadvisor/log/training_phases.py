"""Phases of a training, such as pretraining with one optimizer, then training with another."""

from dataclasses import dataclass

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


def phases_of(columns: StepColumns) -> list[TrainingPhase]:
    """Return the phases in order; together they cover every step."""
    groups = _overlapping(sorted((columns.first_use[o], columns.last_use[o], o) for o in columns.first_use))
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
