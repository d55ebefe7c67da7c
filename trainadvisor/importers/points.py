"""The points of a training in the order of its steps: runs parted, doubles merged, very long ones thinned."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from trainadvisor.importers.columns import Columns
from trainadvisor.importers.table import Row
from trainadvisor.importers.values import number

# Points that are kept; beyond it every second one is dropped.
MOST_POINTS = 200_000
MOST_METRICS = 40


@dataclass(slots=True)
class Point:
    """What one row says."""

    step: int
    epoch: float | None = None
    loss: float | None = None
    rates: list[float] | None = None
    grad_norm: float | None = None
    accuracy: float | None = None
    eval_loss: float | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Return whether the point tells of training."""
        return any(value is not None for value in (self.loss, self.rates, self.grad_norm)) or bool(self.beside)

    @property
    def evaluates(self) -> bool:
        """Return whether the point tells of an evaluation."""
        return self.eval_loss is not None or bool(self.metrics)


class Points:
    """Collects the points of one file: a step that starts again from the beginning begins another run."""

    def __init__(self, columns: Columns) -> None:
        self.runs = 1
        self.doubles = self.unsorted = self.repeated = 0
        self.stride = 1
        self.kept: list[Point] = []
        self._columns = columns
        self._first = math.inf
        self._seen = 0
        self._rows = 0

    def take(self, rows: Iterable[Row]) -> None:
        """Take rows in the order of the file."""
        for row in rows:
            point = self._point(row)
            if point is not None:
                self._place(point)
        if any(before.step > after.step for before, after in zip(self.kept, self.kept[1:], strict=False)):
            self.kept.sort(key=lambda point: point.step)

    def _place(self, point: Point) -> None:
        last = self.kept[-1] if self.kept else None
        if last is not None and point == last:
            self.doubles += 1
            return
        if last is not None and point.step < last.step and point.trains:
            self._went_back(point, last)
        self._first = min(self._first, point.step)
        self._seen += 1
        if self._seen % self.stride == 0 or point.evaluates:
            self.kept.append(point)
        if len(self.kept) > MOST_POINTS:
            self.kept = [point for place, point in enumerate(self.kept) if point.evaluates or place % 2][-MOST_POINTS:]
            self.stride *= 2

    def _went_back(self, point: Point, last: Point) -> None:
        """Begin another run, go on from a checkpoint, or take a row that is out of order for what it is."""
        span = last.step - self._first
        if point.step <= self._first + 0.02 * span:
            self.runs += 1
            self.kept, self._first, self._seen = [], math.inf, 0
        elif any(earlier.trains and earlier.step == point.step for earlier in self.kept[-5000:]):
            self.repeated += 1
            while self.kept and self.kept[-1].step >= point.step:
                self.kept.pop()
        else:
            self.unsorted += 1

    def _point(self, row: Row) -> Point | None:
        columns = self._columns

        def read(name: str | None) -> float | None:
            return number(row.get(name)) if name else None

        self._rows += 1
        epoch = read(columns.epoch)
        point = Point(self._step(read(columns.step), epoch), epoch if epoch is None or math.isfinite(epoch) else None)
        point.loss = self._summed(row, columns.loss)
        point.eval_loss = self._summed(row, columns.eval_loss)
        rates = [rate for rate in map(read, columns.lr) if rate is not None]
        point.rates = rates or None
        point.grad_norm, point.accuracy = read(columns.grad_norm), read(columns.accuracy)
        found = ((name, number(row[name])) for name in row if name in columns.metrics)
        point.metrics = {name: value for name, value in found if value is not None} if columns.metrics else {}
        others = ((name, number(row.get(name))) for name in columns.beside)
        point.beside = {name: value for name, value in others if value is not None}
        return point if point.trains or point.evaluates else None

    def _step(self, step: float | None, epoch: float | None) -> int:
        """Return the number of the step: as written, else the epoch, else the place of the row."""
        for value in (step, epoch if self._columns.step is None else None):
            if value is not None and math.isfinite(value) and value == int(value) and 0 <= value < 1 << 53:
                return int(value)
        if self._columns.step is not None and self.kept:
            return self.kept[-1].step
        return self._rows - 1

    @staticmethod
    def _summed(row: Row, names: list[str]) -> float | None:
        values = [value for name in names if (value := number(row.get(name))) is not None]
        return sum(values) if values and len(values) == len(names) else None
