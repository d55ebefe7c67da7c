"""A run as an experiment tracker keeps it: named numbers by step, with the settings of the run."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# Values of all metrics of a run that are kept.
MOST_POINTS = 500_000

Row = dict[str, float]


class Point(NamedTuple):
    """One value of one metric."""

    name: str
    step: int
    seconds: float
    value: float


@dataclass
class TrackedRun:
    """The rows of a run in the order of their steps."""

    name: str
    steps: dict[int, Row] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    started: float = 0.0
    left_out: int = 0

    def add(self, points: Iterable[Point]) -> None:
        """Join the values of all metrics by step; a value logged again replaces the earlier one."""
        for count, point in enumerate(points):
            if count >= MOST_POINTS:
                self.left_out += 1
                continue
            self.steps.setdefault(point.step, {})[point.name] = point.value
            self.seconds[point.step] = max(point.seconds, self.seconds.get(point.step, point.seconds))

    def rows(self) -> Iterator[tuple[int, float, Row]]:
        """Yield step, time and values, by step."""
        for step in sorted(self.steps):
            yield step, self.seconds.get(step, math.nan), self.steps[step]


def flattened(values: Any, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested objects under names joined by dots."""
    if not isinstance(values, dict) or depth > 8:  # noqa: PLR2004 - no tracker nests deeper
        return
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from flattened(value, f"{name}.", depth + 1)
        else:
            yield name, value
