"""The stores of experiment trackers on this machine: MLflow's folders and databases, trackio's projects."""

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import LogError
from trainadvisor.importers.decode import mlflow_store, trackio_store
from trainadvisor.importers.decode.database import MAGIC, database
from trainadvisor.importers.decode.tracked import TrackedRun
from trainadvisor.importers.table import Row, Table
from trainadvisor.regular import is_file

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "tracker's store"
RANK = 0
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
    """Return the rows of the newest run."""
    if path.is_dir() and not mlflow_store.is_run_folder(path) and is_file(path / "mlflow.db"):
        path = path / "mlflow.db"
    runs, source = _folder_runs(path) if path.is_dir() else _file_runs(path)
    if not runs:
        raise LogError(f"{path}: this is a {source} without a run that has metrics; name another one")
    return _table(runs, source)


def _folder_runs(path: Path) -> tuple[list[TrackedRun], str]:
    found = [mlflow_store.run_of_folder(folder) for folder in mlflow_store.run_folders(path)[-50:]]
    return [run for run in found if run.steps], "MLflow folder"


def _file_runs(path: Path) -> tuple[list[TrackedRun], str]:
    folder = _run_folder(path)
    if folder is not None:
        return _folder_runs(folder)
    with database(path) as connection:
        is_mlflow, is_trackio = mlflow_store.is_mlflow(connection), trackio_store.is_trackio(connection)
    if is_mlflow:
        return list(mlflow_store.runs_of_database(path)), "MLflow database"
    if is_trackio:
        return list(trackio_store.runs_of_project(path)), "trackio project"
    raise LogError(f"{path}: this is a SQLite database, of neither MLflow nor trackio; export its metrics as CSV")


def _table(runs: list[TrackedRun], source: str) -> Table:
    run = max(runs, key=lambda run: run.started)
    rows: Iterator[Row] = ({**values, "step": step} for step, _, values in run.rows())
    table = Table(
        source,
        rows,
        config={name: _number(value) for name, value in run.config.items()},
        ended=run.status.lower() or None,
    )
    if table.ended in ("running", "scheduled"):
        table.ended = None
    if len(runs) > 1:
        others = ", ".join(other.name for other in runs if other is not run)
        table.notes.append(f"{len(runs)} runs are there; the newest one is judged: {run.name} (others: {others[:200]})")
    if run.left_out:
        table.notes.append(f"{run.left_out} values could not be read or are beyond the limit and were left out")
    return table
