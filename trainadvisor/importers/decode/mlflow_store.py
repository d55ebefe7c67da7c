"""The runs that MLflow keeps: a folder of small files, or a SQLite database."""

import math
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.importers.decode.bounded_files import buffered
from trainadvisor.importers.decode.database import columns, database, rows
from trainadvisor.importers.decode.tracked import Point, TrackedRun
from trainadvisor.regular import content, is_file, is_folder, walked

if TYPE_CHECKING:
    import sqlite3

STATUS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
LONGEST_LINE = 1 << 10
MOST_FILES = 1_000
MOST_RUNS = 1_000
LARGEST = 1.7976931348623157e308


# -- folders


def run_folders(place: Path) -> list[Path]:
    """Return the folders of runs at a place: itself, or those of an experiment or of all experiments below it."""
    if is_run_folder(place):
        return [place]
    return sorted(
        (meta.parent for meta in islice(walked(place, "meta.yaml"), MOST_RUNS) if is_run_folder(meta.parent)),
        key=lambda folder: (_meta(folder).get("start_time", ""), folder.name),
    )


def is_run_folder(folder: Path) -> bool:
    """Return whether a folder is that of one run."""
    return is_folder(folder / "metrics") and is_file(folder / "meta.yaml")


def run_of_folder(folder: Path) -> TrackedRun:
    """Return the run that a folder holds."""
    meta = _meta(folder)
    run = TrackedRun(meta.get("run_name") or folder.name, status=_status(meta), started=_started(meta))
    params = islice(walked(folder / "params", ""), MOST_FILES) if is_folder(folder / "params") else ()
    run.config = {_name(path, folder / "params"): content(path, 1 << 20).decode(errors="replace") for path in params}
    for path in sorted(islice(walked(folder / "metrics", ""), MOST_FILES)):
        run.add(_points_of_file(path, _name(path, folder / "metrics"), run))
    return run


def _points_of_file(path: Path, name: str, run: TrackedRun) -> Iterator[Point]:
    with buffered(path) as file:
        while line := file.readline(LONGEST_LINE):
            point = _point(name, line.decode(errors="replace"))
            if point is not None:
                yield point
            else:
                run.left_out += bool(line.strip())


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _point(name: str, line: str) -> Point | None:
    """Return the point of a line "milliseconds value step"; the oldest versions wrote no step."""
    parts = line.split()
    try:
        return Point(name, int(parts[2]) if len(parts) > 2 else 0, int(parts[0]) / 1000, float(parts[1]))  # noqa: PLR2004 - older files have no step
    except (ValueError, IndexError):
        return None


def _meta(folder: Path) -> dict[str, str]:
    """Return the plain entries of meta.yaml, which MLflow writes one a line."""
    lines = content(folder / "meta.yaml", 1 << 20).decode(errors="replace").splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.startswith((" ", "-")))
    return {key.strip(): value.strip().strip("'\"") for key, value in pairs}


def _status(meta: dict[str, str]) -> str:
    return STATUS.get(meta.get("status", ""), "")


def _started(meta: dict[str, str]) -> float:
    try:
        return int(meta.get("start_time", "")) / 1000
    except ValueError:
        return 0.0


# -- database


def is_mlflow(connection: "sqlite3.Connection") -> bool:
    """Return whether a database holds MLflow's runs."""
    return {"run_uuid", "status"} <= columns(connection, "runs") and "is_nan" in columns(connection, "metrics")


def runs_of_database(path: Path) -> Iterator[TrackedRun]:
    """Yield the runs of a database that have metrics, the newest first."""
    with database(path) as connection:
        found = rows(connection, "SELECT run_uuid, name, status, start_time FROM runs ORDER BY start_time DESC")
        for run_id, name, status, started in list(islice(found, MOST_RUNS)):
            run = TrackedRun(str(name or run_id), status=str(status or ""))
            run.started = started / 1000 if isinstance(started, int) else 0.0
            params = rows(connection, "SELECT key, value FROM params WHERE run_uuid = ?", run_id)
            run.config = {str(key): value for key, value in islice(params, MOST_FILES)}
            run.add(_points(connection, run_id))
            if run.steps:
                yield run


def names_in_database(path: Path) -> list[str]:
    """Return the names of the runs, the newest first."""
    with database(path) as connection:
        found = rows(connection, "SELECT name, run_uuid FROM runs ORDER BY start_time DESC")
        return [str(name or run_id) for name, run_id in islice(found, MOST_RUNS)]


def _points(connection: "sqlite3.Connection", run_id: str) -> Iterator[Point]:
    query = "SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY timestamp"
    for key, step, milliseconds, value, is_nan in rows(connection, query, run_id):
        if isinstance(step, int) and isinstance(milliseconds, int) and isinstance(value, int | float):
            yield Point(str(key), step, milliseconds / 1000, math.nan if is_nan else _unclamped(value))


def _unclamped(value: float) -> float:
    """Return the infinity for which MLflow's databases hold the largest number."""
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else float(value)
