"""The runs of a trackio project, which is a SQLite database with a row of JSON for each log call."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from trainadvisor.importers.decode.database import columns, database, rows
from trainadvisor.importers.decode.tracked import Point, TrackedRun, flattened
from trainadvisor.importers.field_values import number

if TYPE_CHECKING:
    import sqlite3

MOST_RUNS = 1_000


def is_trackio(connection: "sqlite3.Connection") -> bool:
    """Return whether a database is a trackio project."""
    return {"timestamp", "run_name", "step", "metrics"} <= columns(connection, "metrics")


def runs_of_project(path: Path) -> Iterator[TrackedRun]:
    """Yield the runs of a project, the newest first."""
    with database(path) as connection:
        key = "run_id" if "run_id" in columns(connection, "metrics") else "run_name"
        found = rows(connection, f"SELECT {key}, run_name FROM metrics GROUP BY {key} ORDER BY min(id) DESC")  # noqa: S608 - one of two names of ours
        for run_id, name in list(islice(found, MOST_RUNS)):
            run = TrackedRun(str(name))
            run.add(_points(connection, key, run_id))
            run.started = min(run.seconds.values(), default=0.0)
            if key in columns(connection, "configs"):
                configs = rows(connection, f"SELECT config FROM configs WHERE {key} = ?", run_id)  # noqa: S608 - one of two names of ours
                run.config = {n: v for (held,) in configs for n, v in flattened(_parsed(held)) if n[:1] != "_"}
            if run.steps:
                yield run


def names_in_project(path: Path) -> list[str]:
    """Return the names of the runs, the newest first."""
    with database(path) as connection:
        found = rows(connection, "SELECT run_name FROM metrics GROUP BY run_name ORDER BY min(id) DESC")
        return [str(name) for (name,) in islice(found, MOST_RUNS)]


def _points(connection: "sqlite3.Connection", key: str, run_id: str) -> Iterator[Point]:
    query = f"SELECT step, timestamp, metrics FROM metrics WHERE {key} = ? ORDER BY id"  # noqa: S608 - one of two names of ours
    for step, stamp, held in rows(connection, query, run_id):
        if not isinstance(step, int):
            continue
        seconds = _seconds(stamp)
        for name, value in flattened(_parsed(held)):
            found = number(value)
            if found is not None:
                yield Point(name, step, seconds, found)


def _parsed(held: Any) -> Any:
    try:
        return orjson.loads(held)
    except (orjson.JSONDecodeError, TypeError):
        return None


def _seconds(stamp: Any) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
