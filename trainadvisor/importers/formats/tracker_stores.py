"""The stores of experiment trackers on this machine: MLflow's folders and databases, trackio's projects."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from trainadvisor.errors import LogError
from trainadvisor.importers.decode import mlflow_store, trackio_store
from trainadvisor.importers.decode.database import MAGIC, database
from trainadvisor.importers.decode.tracked import TrackedRun
from trainadvisor.importers.formats import refused
from trainadvisor.importers.table import Row, Table
from trainadvisor.regular import is_file

NAME = "tracker's store"
RANK = 0
ENDED = {"finished", "failed", "killed"}
MOST_LOOKED_AT = 1_000


def matches(head: bytes, path: Path) -> bool:
    """Return whether a file is a SQLite database, or one of MLflow's files of metrics."""
    return head.startswith(MAGIC) or _run_folder(path) is not None


def matches_folder(folder: Path) -> bool:
    """Return whether a folder is a run, an experiment or all experiments of MLflow, or holds its database."""
    if mlflow_store.is_run_folder(folder) or is_file(folder / "mlflow.db"):
        return True
    places = [folder, *folder.glob("mlruns")]
    return any(
        mlflow_store.is_run_folder(meta.parent)
        for place in places
        for pattern in ("*", "*/*")
        for meta in islice(place.glob(f"{pattern}/meta.yaml"), MOST_LOOKED_AT)
    )


def _number(value: Any) -> Any:
    """Return the number that MLflow keeps as a text."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _run_folder(path: Path) -> Path | None:
    """Return the folder of the run that a file of metrics belongs to."""
    return next((parent for parent in list(path.parents)[:4] if mlflow_store.is_run_folder(parent)), None)


def read(path: Path) -> Table:
    """Return the rows of the newest run that has metrics."""
    if path.is_dir() and not mlflow_store.is_run_folder(path) and is_file(path / "mlflow.db"):
        path = path / "mlflow.db"
    folder = path if path.is_dir() else _run_folder(path)
    runs, names, source = _in_folder(folder) if folder is not None else _in_database(path)
    run = next(runs, None)
    if run is None:
        raise LogError(f"{path}: this is a {source} without a run that has metrics; name another one")
    return _table(run, names, source)


def _in_folder(folder: Path) -> tuple[Iterator[TrackedRun], list[str], str]:
    """Return the runs below a folder, the newest first, their names, and what the folder is."""
    folders = mlflow_store.run_folders(folder)[::-1]
    runs = (run for run in map(mlflow_store.run_of_folder, folders) if run.steps)
    return runs, [folder.name for folder in folders], "MLflow folder"


def _in_database(path: Path) -> tuple[Iterator[TrackedRun], list[str], str]:
    with database(path) as connection:
        is_mlflow, is_trackio = mlflow_store.is_mlflow(connection), trackio_store.is_trackio(connection)
    if is_mlflow:
        return mlflow_store.runs_of_database(path), mlflow_store.names_in_database(path), "MLflow database"
    if is_trackio:
        return trackio_store.runs_of_project(path), trackio_store.names_in_project(path), "trackio project"
    if path.name == "run_metadata.sqlite":
        raise LogError(f"{path}: {refused.AIM}")
    raise LogError(f"{path}: this is a SQLite database, of neither MLflow nor trackio; export its metrics as CSV")


def _table(run: TrackedRun, names: list[str], source: str) -> Table:
    rows: Iterator[Row] = ({**values, "step": step} for step, _, values in run.rows())
    config = {name: _number(value) for name, value in run.config.items()}
    status = run.status.lower()
    table = Table(source, rows, config=config, ended=status if status in ENDED else None)
    for moment in run.seconds.values():
        table.clock.note(moment)
    if len(names) > 1:
        table.notes.append(f"{len(names)} runs are there; the newest one with metrics is judged: {run.name}")
    if run.left_out:
        table.notes.append(f"{run.left_out} values could not be read or are beyond the limit and were left out")
    return table
