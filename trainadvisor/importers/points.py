"""The points of a training in the order of its steps: runs parted, doubles merged, very long ones thinned."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from trainadvisor.importers.column_names import Columns
from trainadvisor.importers.field_values import number
from trainadvisor.importers.numbering import Numbering
from trainadvisor.importers.table import Row

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
        return self.loss is not None or self.rates is not None or self.grad_norm is not None

    @property
    def evaluates(self) -> bool:
        """Return whether the point tells of an evaluation."""
        return self.eval_loss is not None or bool(self.metrics)


class Points:
    """Collects the points of one file: a step that starts again from the beginning begins another run."""

    def __init__(self, columns: Columns, run: int | None = None) -> None:
        """Take what the columns mean, and which of several runs is wanted: the last one where none is named."""
        self.runs = 1
        self._wanted = run
        self._numbering = Numbering(has_step=columns.step is not None)
        self.doubles = self.unsorted = self.repeated = self.told_twice = 0
        self.stride = 1
        self.kept: list[Point] = []
        # The points of the run that is wanted, once it is over.
        self.chosen: list[Point] | None = None
        self._columns = columns
        self._first = math.inf
        self._seen = 0

    def take(self, rows: Iterable[Row]) -> None:
        """Take rows in the order of the file."""
        for row in rows:
            point = self._point(row)
            if point is not None:
                self._place(point)
        self.kept = self.kept if self.chosen is None else self.chosen
        if any(before.step > after.step for before, after in zip(self.kept, self.kept[1:], strict=False)):
            self.kept.sort(key=lambda point: point.step)

    def _place(self, point: Point) -> None:
        last = self.kept[-1] if self.kept else None
        if last is not None and point.step <= last.step:
            if point == last:
                self.doubles += 1
                return
            if _completes(point, last):
                last.metrics |= point.metrics
                last.eval_loss = point.eval_loss if last.eval_loss is None else last.eval_loss
                return
            self.told_twice += _tells_another(point, last)
            if point.step < last.step and point.trains:
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
            if self.runs == self._wanted:
                self.chosen = self.kept
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
        epoch = _read(row, columns.epoch)
        rates = [rate for name in columns.lr if (rate := number(row.get(name))) is not None]
        point = Point(
            0,
            epoch if epoch is None or math.isfinite(epoch) else None,
            self._summed(row, columns.loss),
            rates or None,
            _read(row, columns.grad_norm),
            _read(row, columns.accuracy),
            self._summed(row, columns.eval_loss),
            _figures(row, columns.metrics),
            _figures(row, columns.beside),
        )
        if columns.unsaid and point.loss is not None and point.eval_loss is None:
            point.beside |= {name: point.metrics.pop(name) for name in columns.unsaid & point.metrics.keys()}
        trains = point.trains
        if not trains and not point.evaluates:
            if not any("loss" in name.lower() for name in point.beside):
                point.metrics, point.beside = point.beside, {}  # a row of figures alone is an evaluation
            if not (point.metrics or point.beside):
                return None
        point.step = self._numbering.of(_read(row, columns.step), point.epoch, trains=trains)
        return point

    @staticmethod
    def _summed(row: Row, names: list[str]) -> float | None:
        if len(names) == 1:
            return number(row.get(names[0]))
        if not names:
            return None
        values = [value for name in names if (value := number(row.get(name))) is not None]
        return sum(values) if values and len(values) == len(names) else None


def _read(row: Row, name: str | None) -> float | None:
    return number(row.get(name)) if name else None


def _tells_another(point: Point, last: Point) -> bool:
    """Return whether a point gives another loss for the step of the one before it, as that of another process."""
    return point.step == last.step and None not in (point.loss, last.loss)


def _completes(point: Point, last: Point) -> bool:
    """Return whether a point gives further figures of the evaluation before it."""
    if point.trains or not last.evaluates or point.step != last.step or point.beside:
        return False
    again = point.eval_loss is not None and last.eval_loss is not None
    return not again and not point.metrics.keys() & last.metrics.keys()


def _figures(row: Row, names: set[str]) -> dict[str, float]:
    if not names:
        return {}
    return {name: value for name in row if name in names and (value := number(row[name])) is not None}
