"""Where in a folder the log of a training lies."""

import re
from itertools import islice
from pathlib import Path

from trainadvisor.importers.decode.event_folder import MARK
from trainadvisor.importers.decode.mlflow_store import is_run_folder
from trainadvisor.regular import MOST_ENTRIES, is_file, walked

STATE, STORE = "trainer_state.json", "mlflow.db"
CHECKPOINT = re.compile(r"checkpoint-(\d+)$")
# Logs by the names that their writers give them, the surest first.
NAMED = ("metrics.csv", "results.csv", "progress.csv", "trainer_log.jsonl", "metrics.json", "scalars.json", ".wandb")


def log_in(folder: Path) -> Path | None:
    """Return the log of a folder, or the folder where several files make the log; None where there is none."""
    files = _files(folder)
    if any(path.name == STORE for path in files) or any(map(_is_of_a_run, files)):
        return folder
    states = [path for path in files if path.name == STATE]
    if states:
        return max(states, key=lambda path: (_steps(path.parent), _written(path)))
    if any(MARK in path.name for path in files):
        return folder
    found = ([path for path in files if path.name.endswith(name)] for name in NAMED)
    log = max(next(filter(None, found), []), key=_written, default=None)
    if log is not None:
        return log
    from trainadvisor.importers import flight_recorder

    return folder if flight_recorder.dumps_in(folder) else None


def _files(folder: Path) -> list[Path]:
    """Return the files below a folder; of one that holds too many only those directly in it."""
    try:
        return list(walked(folder, ""))
    except ValueError:
        return [path for path in islice(folder.iterdir(), MOST_ENTRIES) if is_file(path)]


def _is_of_a_run(path: Path) -> bool:
    return path.name == "meta.yaml" and is_run_folder(path.parent)


def _steps(folder: Path) -> float:
    """Return the steps of a checkpoint by its name; the state beside the checkpoints is that of the whole training."""
    found = CHECKPOINT.search(folder.name)
    return float(found.group(1)) if found else float("inf")


def _written(path: Path) -> float:
    return path.stat().st_mtime
