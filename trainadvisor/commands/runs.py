"""Finding a log: a file, a run folder, or the name of a run in ./trainadvisor-runs."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from pathlib import Path

from trainadvisor.errors import LogError, did_you_mean
from trainadvisor.importers.folders import log_in
from trainadvisor.importers.formats import refused
from trainadvisor.regular import is_file, is_folder

RUNS = Path("trainadvisor-runs")
LARGEST_PASTE = 1 << 30
NAMES = ("log.json", "log.json.gz", "log.json.zst")


def find(name: str | None) -> Path:
    """Return the log that a name stands for; without a name the latest here."""
    if name is None:
        return _latest()
    if name == "-":
        return _pasted()
    path = Path(name)
    if path.suffix == ".py":
        message = f"{name}: that is a script; did you mean `trainadvisor run {name}`?"
        raise LogError(message)
    for place in (path, RUNS / name):
        if is_folder(place):
            return _inside(place)
        if is_file(place):
            return place
    message = f"{name}: there is no such log, folder or run{did_you_mean(name, _run_names())}{_advice()}"
    raise LogError(message)


def _pasted() -> Path:
    """Return a file with what comes on standard input: a paste from a terminal."""
    folder = tempfile.mkdtemp(prefix="trainadvisor-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, room = Path(folder) / "standard-input", LARGEST_PASTE
    with path.open("wb") as file:
        while room > 0 and (block := sys.stdin.buffer.read(min(room, 1 << 20))):
            file.write(block)
            room -= len(block)
    return path


def latest() -> Path | None:
    """Return the newest log of ./trainadvisor-runs or of this folder, None when there is none."""
    logs = [folder / name for folder in (Path(), *RUNS.glob("*")) for name in NAMES]
    return max((log for log in logs if log.is_file()), key=lambda log: log.stat().st_mtime, default=None)


def _latest() -> Path:
    log = latest()
    if log is None:
        message = "there is no log here; record one with `trainadvisor run train.py`, or name one"
        raise LogError(message)
    return log


def _inside(folder: Path) -> Path:
    log = next((folder / name for name in NAMES if (folder / name).is_file()), None) or log_in(folder)
    if log is None:
        why = refused.of_folder(folder)
        message = (
            f"{folder}: the folder holds no log.json; name the log, or record one with `trainadvisor run train.py`"
        )
        raise LogError(message if why == refused.NO_FOLDER else f"{folder}: no log of a training; {why}")
    return log


def _run_names() -> list[str]:
    return [folder.name for folder in RUNS.glob("*")]


def _advice() -> str:
    count = len(_run_names())
    return (
        f"; {RUNS} holds {count} run{'s' * (count != 1)}" if count else "; record one with `trainadvisor run train.py`"
    )
