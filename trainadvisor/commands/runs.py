"""Finding a log: a file, a run folder, or the name of a run in ./trainadvisor-runs."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import LogError, did_you_mean
from trainadvisor.importers.folders import log_in
from trainadvisor.importers.formats import refused
from trainadvisor.regular import is_file, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    hint = did_you_mean(name, _run_names()) or _near_file(path)
    message = f"{name}: there is no such log, folder or run{hint}{_advice()}"
    raise LogError(message)


def near_name(path: Path, there: Iterable[Path]) -> Path | None:
    """Return the one of some files that is called nearly like a path, whatever its ending."""
    names = {other.stem: other for other in there}
    near = get_close_matches(path.stem, names, n=1, cutoff=0.6)
    return names[near[0]] if near else None


def _near_file(path: Path) -> str:
    with suppress(OSError):
        near = near_name(path, (other for other in path.parent.iterdir() if other.suffix not in (".py", ".pyc")))
        if near is not None:
            return f'; did you mean "{near}"?'
    return ""


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
