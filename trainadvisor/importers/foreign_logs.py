"""Reads any log: our own, or that of another tool, which becomes records of ours on the way."""

import os
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import LogError
from trainadvisor.importers import format_registry, thinning
from trainadvisor.importers import imported_records as made
from trainadvisor.importers.folders import log_in
from trainadvisor.importers.formats import pasted_tracebacks, printed_lines, refused
from trainadvisor.importers.opening import head, text
from trainadvisor.importers.table import Hints, Table
from trainadvisor.log import reader
from trainadvisor.log.reader import RunLog
from trainadvisor.log.stream import Stream
from trainadvisor.regular import is_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


BATCH = 10_000
# Formats of what a program printed, which may end with the error that ended it.
PRINTED = (printed_lines.NAME, pasted_tracebacks.NAME)

Record = dict[str, Any]


class NothingYetError(LogError):
    """A log of a known format in which nothing can be judged, perhaps because its training just began."""


def read_log(
    path: str | os.PathLike[str], *, run: int | None = None, classes: int | None = None, loss: str | None = None
) -> RunLog:
    """Read a log of a training, whoever wrote it; raises LogError.

    Of another tool's log with several runs `run` picks one, the last otherwise. The number of classes, or the kind of
    the loss, is a yardstick that such a log does not hold.
    """
    path = Path(path)
    if is_own(path):
        return _with_dumps(reader.read_log(path))
    found, notes = imported(path, Hints(run, classes, loss))
    return built(path, found, notes)


def _with_dumps(log: RunLog) -> RunLog:
    """Return a log with what the flight recorder's dumps beside it tell, if the run did not end by itself."""
    unfinished = not log.end or log.end.get("reason") == "exception"
    if not unfinished:
        return log
    from trainadvisor.importers import flight_recorder

    if (detail := flight_recorder.stalled(log.path.parent, _begun(log))) is not None:
        log.events.append(
            {"kind": "exception", "step": log.all_steps_count, "subject": detail["type"], "detail": detail}
        )
    return log


def _begun(log: RunLog) -> float:
    """Return when a run began, by the system's clock; 0 where its log does not tell: older dumps are of another run."""
    try:
        return datetime.fromisoformat(str(log.header.get("created"))).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def built(path: Path, found: list[Record], notes: list[str]) -> RunLog:
    """Return the log of records that were made of another tool's."""
    log = RunLog(path)
    rest: Iterator[Record] = iter(found)
    while batch := list(islice(rest, BATCH)):
        log.take(batch)
    log.finish(Stream(path))
    log.notes += notes
    return log


def is_own(path: Path) -> bool:
    """Return whether a file is a log of ours, or none that can be opened: our reader says what is wrong then."""
    if is_folder(path) or path.suffix == ".zst":
        return path.suffix == ".zst"
    try:
        begin = text(head(path)[:4096])
    except (OSError, LogError):
        return True
    start = begin.lstrip("[ \t\r\n\ufeff")
    if begin.startswith("[") and start.strip() in ("", "]"):
        return True  # opened by a run that has recorded nothing
    return start.startswith("{") and '"record"' in start[:400] and '"header"' in start[:400]


def imported(path: Path, hints: Hints | None = None) -> tuple[list[Record], list[str]]:
    """Return the records and notes of a foreign log; LogError with the way on where it is none."""
    try:
        table = recognized(path)
        found, notes = made.records(table, hints)
    except made.NoSuchRunError as error:
        raise LogError(f"{path}: {error}") from None
    except made.NothingFoundError:
        raise NothingYetError(f"{path}: {_why_nothing(table)}") from None
    except OSError as error:
        raise LogError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error
    return _ended(found, _failure(path, table)), notes


def _failure(path: Path, table: Table) -> Record | None:
    """Return the error that a log ends with."""
    if table.source not in PRINTED:
        return table.error
    from trainadvisor.importers import pasted_failures

    return pasted_failures.of_file(path)


def _ended(found: list[Record], detail: Record | None) -> list[Record]:
    """Return the records of a log with the error that it ends with."""
    if detail is None or found[-1]["record"] == "end":
        return found
    step = next((record["step"] for record in reversed(found) if record["record"] == "step"), 0)
    event = {"record": "event", "kind": "exception", "step": step, "subject": detail["type"], "detail": detail}
    return [*found, event, {"record": "end", "reason": "exception", "steps": step}]


def _why_nothing(table: Table) -> str:
    return "; ".join([f"this is a {table.source} in which {refused.NOTHING.split(' in it')[0]}", *table.notes])


def recognized(path: Path) -> Table:
    """Return the table of a file or folder, by what it holds and never by its name."""
    if is_folder(path):
        return _of_folder(path)
    start = head(path)
    if (ours := refused.own(start)) is not None:
        raise LogError(f"{path}: {ours}")
    form = format_registry.sniff(start, path)
    if form is None:
        raise LogError(f"{path}: {refused.reason(start, path)}")
    table = form.read(path)
    table.notes += thinning.told(path)
    return table


def _of_folder(folder: Path) -> Table:
    place = log_in(folder)
    if place is not None and place != folder:
        return recognized(place)
    form = format_registry.of_folder(folder)
    if form is None:
        raise LogError(f"{folder}: {refused.of_folder(folder)}")
    try:
        return form.read(folder)
    except ValueError as error:
        raise LogError(f"{folder}: {error}; name the file, or a folder with less in it") from error
