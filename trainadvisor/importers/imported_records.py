"""Records of ours, made of a table of another tool."""

import math
from collections.abc import Iterator
from itertools import chain, islice, pairwise
from typing import Any

from trainadvisor.importers import evidence
from trainadvisor.importers.column_names import Columns, chosen, told
from trainadvisor.importers.points import Point, Points
from trainadvisor.importers.table import Hints, Row, Table
from trainadvisor.log.contract import STEP_NAMES
from trainadvisor.log.records import FORMAT

LOOKED_AT = 2_000
ENDS = {"finished": "finished", "failed": "exception", "killed": "interrupted"}

Record = dict[str, Any]


class NothingFoundError(ValueError):
    """No column of the table can be judged."""


class NoSuchRunError(ValueError):
    """The log does not hold as many runs as the number that was asked for."""


def records(table: Table, hints: Hints | None = None) -> tuple[list[Record], list[str]]:
    """Return the records of one run in a table, by default the last, and what its reader should know."""
    hints = hints or Hints()
    rows = table.clock.watching(iter(table.rows))
    first = list(islice(rows, LOOKED_AT))
    columns = chosen(first, table)
    if not columns.useful and not table.may_be_empty:
        raise NothingFoundError
    points = Points(columns, hints.run)
    points.take(chain(first, rows))
    if hints.run is not None and not 0 < hints.run <= points.runs:
        held = f"{points.runs} runs; name one from 1 to {points.runs}" if points.runs > 1 else "a single run"
        message = f"--run {hints.run}: the log holds {held}"
        raise NoSuchRunError(message)
    kept = points.kept
    if table.hides_nan:
        _uncover(kept)
    left_out = evidence.unmeasured(kept)
    found = [_header(table, columns, points, hints), *_told(kept)]
    found += [*evidence.passing(kept, columns), *evidence.lost_gradients(kept)]
    if table.ended:
        found.append({"record": "end", "reason": ENDS.get(table.ended, table.ended)})
    return found, [*_notes(points, columns, first), *left_out, *table.notes]


def _header(table: Table, columns: Columns, points: Points, hints: Hints) -> Record:
    header: Record = {"record": "header", "format": FORMAT, "tool": table.source, "source": "import"}
    if table.planned_steps:
        header["planned_steps"] = table.planned_steps
    unit = "step" if columns.step else "epoch" if columns.epoch and _are_epochs(points.kept) else "row"
    told_of = {
        "source": table.source, "unit": unit, "columns": told(columns), "config": _plain(table.config),
        "every": _every(points.kept), "runs": points.runs, "run": hints.run or points.runs, "classes": hints.classes,
        "loss": hints.loss, "seconds": table.clock.seconds,
        "all_digits": table.all_digits or None,
    }  # fmt: skip
    header["imported"] = {name: value for name, value in told_of.items() if value is not None}
    return header


def _every(kept: list[Point]) -> int | None:
    """Return how many steps lie between two points of the training loss, as the median tells."""
    steps = [point.step for point in kept if point.loss is not None]
    gaps = sorted(after - before for before, after in pairwise(steps))
    return gaps[len(gaps) // 2] if gaps else None


def _are_epochs(kept: list[Point]) -> bool:
    return all(point.epoch == point.step for point in kept)


def _plain(config: Row) -> Row:
    """Return the settings that are short."""
    short = {name: value for name, value in config.items() if isinstance(value, bool | int | float)}
    words = {name: value for name, value in config.items() if isinstance(value, str) and len(value) < 100}  # noqa: PLR2004 - a word, no text
    return dict(islice({**words, **short}.items(), 100))


def _told(kept: list[Point]) -> Iterator[Record]:
    """Yield a step record, an evaluation or both for each point, and the report of a loss that stayed broken."""
    broken = _broken_at(kept)
    for place, point in enumerate(kept):
        if place == broken:
            yield {"record": "event", "kind": "nonfinite", "step": point.step, "subject": "loss"}
        if point.trains or point.beside:
            yield _step(point)
        if point.evaluates:
            yield _evaluation(point)


def _broken_at(kept: list[Point]) -> int | None:
    """Return the place from which on the loss is never finite again."""
    first = None
    for place, point in enumerate(kept):
        if point.loss is not None:
            first = None if math.isfinite(point.loss) else place if first is None else first
    return first


def _uncover(kept: list[Point]) -> None:
    """Take a loss of 0 whose gradient is NaN for the NaN that its writer took out."""
    for point in kept:
        if point.loss == 0 and point.grad_norm is not None and math.isnan(point.grad_norm):
            point.loss = math.nan


def _step(point: Point) -> Record:
    record: Record = {"record": "step", "step": point.step}
    if point.beside:
        record.update({name: _written(value) for name, value in point.beside.items() if name not in STEP_NAMES})
    for name, value in (("loss", point.loss), ("grad_norm", point.grad_norm), ("accuracy", point.accuracy)):
        if value is not None:
            record[name] = _written(value)
    if point.rates is not None:
        record["lr"] = [_written(rate) for rate in point.rates]
    if point.epoch is not None:
        record["epoch"] = int(point.epoch)
    return record


def _evaluation(point: Point) -> Record:
    record: Record = {"record": "eval", "step": point.step, "mode": "eval"}
    if point.epoch is not None:
        record["epoch"] = int(point.epoch)
    if point.eval_loss is not None:
        record["loss"] = _written(point.eval_loss)
    if point.metrics:
        record["metrics"] = {name: _written(value) for name, value in point.metrics.items()}
    return record


def _written(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def _notes(points: Points, columns: Columns, first: list[Row]) -> list[str]:
    """Say how the file was understood, and what was left out of it."""
    del first
    said = {
        f"columns: {'; '.join(told(columns))}": told(columns),
        f"the file holds {points.runs} runs one after the other; {_judged(points)}": points.runs > 1,
        f"{points.doubles} rows were written twice and are counted once": points.doubles,
        f"{points.told_twice} rows tell another loss of the step before them (several processes, or a part of a step); "
        "all are taken as points": columns.step and points.told_twice,
        f"the training went back to an earlier step {points.repeated} times (from a checkpoint)": points.repeated,
        f"{points.unsorted} rows were out of order and were sorted": points.unsorted,
        f"the points are so many that one of {points.stride} was kept": points.stride > 1,
    }
    return [note for note, true in said.items() if true]


def _judged(points: Points) -> str:
    return "the last one is judged (--run N picks another)" if points.chosen is None else "the one asked for is judged"
