"""Where in a folder the log of a training lies."""

import re
from collections.abc import Iterator
from pathlib import Path

from trainadvisor.importers.formats import event_files, tracker_stores
from trainadvisor.regular import is_file

STATE = "trainer_state.json"
CHECKPOINT = re.compile(r"checkpoint-(\d+)$")
# Logs by the names that their writers give them, the surest first.
NAMED = ("metrics.csv", "results.csv", "progress.csv", "trainer_log.jsonl", "metrics.json", "scalars.json", "*.wandb")
FLOORS = ("", "*/", "*/*/", "*/*/*/")
MOST_FOUND = 1_000


def log_in(folder: Path) -> Path | None:
    """Return the log of a folder, or the folder where several files make the log; None where there is none."""
    if tracker_stores.matches_folder(folder):
        return folder
    state = _state(folder)
    if state is not None:
        return state
    if event_files.matches_folder(folder):
        return folder
    for name in NAMED:
        found = max(_found(folder, name), key=lambda path: path.stat().st_mtime, default=None)
        if found is not None:
            return found
    return None


def _state(folder: Path) -> Path | None:
    """Return the state that was saved last: that of the whole output, else of the checkpoint with most steps."""
    return max(_found(folder, STATE), key=lambda path: (_steps(path.parent), path.stat().st_mtime), default=None)


def _steps(folder: Path) -> float:
    found = CHECKPOINT.search(folder.name)
    return float(found.group(1)) if found else float("inf")


def _found(folder: Path, name: str) -> Iterator[Path]:
    room = MOST_FOUND
    for floor in FLOORS:
        for path in folder.glob(floor + name):
            room -= 1
            if room < 0:
                return
            if is_file(path):
                yield path
