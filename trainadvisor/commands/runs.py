"""Finding a log: a file, a run folder, or the name of a run in ./trainadvisor-runs."""

from __future__ import annotations

import atexit
import re
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
LARGEST_PASTE, LARGEST_EMPTY = 1 << 30, 1 << 16
SHOWN = 3
TAIL = 4096  # bytes that hold the last record
RUN = 2  # the rank of the log of a run
BASELINE = "baseline.json"  # what verify calls the log of the script as it is
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
    """Return the newest log of ./trainadvisor-runs or of this folder, None when there is none.

    A log of a run comes before what verify has recorded of the script as it is, one in which nothing happened is last.
    """
    return max(_logs(Path()), key=_rank, default=None)


def latest_but(logs: list[Path], count: int) -> tuple[list[Path], list[Path]]:
    """Return as many of the latest logs of runs here as are asked for, but those given, the newest last.

    Those that came to their end go first, as far as there are enough; what was passed over for that comes second.
    """
    if count <= 0:
        return [], []
    given = [log.resolve() for log in logs]
    found = sorted((log for log in _logs(Path()) if log.resolve() not in given and _rank(log)[0] == RUN), key=_rank)
    if len(found) < count:
        raise LogError("which two runs? there are no two logs here; name them, such as runs/old runs/new")
    ended = [log for log in found if _came_to_its_end(log)]
    chosen = (ended if len(ended) >= count else found)[-count:]
    return chosen, [log for log in found[found.index(chosen[0]) :] if log not in chosen]


def _came_to_its_end(log: Path) -> bool:
    """Return whether the last record of our log says so; of others that is not known."""
    if log.suffix != ".json" or not _is_ours(log):
        return True
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        return re.search(rb'"record": ?"end".*"reason": ?"finished"', file.read()) is not None


def _logs(folder: Path) -> list[Path]:
    """Return the logs of a folder, of the runs in it, and of those in its ./trainadvisor-runs."""
    runs = [*folder.glob("*"), *(folder / RUNS).glob("*")]
    trials = [run / BASELINE for run in runs if _is_trial(run)]
    return [log for log in (*(run / name for run in (folder, *runs) for name in NAMES), *trials) if log.is_file()]


def _is_trial(folder: Path) -> bool:
    return folder.name.startswith("verify-")


def _is_ours(log: Path) -> bool:
    with log.open("rb") as file:
        return log.suffix != ".json" or b'"header"' in file.read(400)


def _rank(log: Path) -> tuple[int, float]:
    """Return how well a log goes for the latest one."""
    return (0 if _is_empty(log) else 1 if log.name == BASELINE else RUN, log.stat().st_mtime)


def _is_empty(log: Path) -> bool:
    """Return whether a log tells of no step and of no error."""
    if log.suffix != ".json" or log.stat().st_size > LARGEST_EMPTY:
        return False
    return re.search(rb'"record": ?"(?:step|layers|eval)"|"kind": ?"exception"', log.read_bytes()) is None


def _latest() -> Path:
    log = latest()
    if log is None:
        message = "there is no log here; record one with `trainadvisor run train.py`, or name one"
        raise LogError(message)
    return log


def _inside(folder: Path) -> Path:
    names = (*NAMES, BASELINE) if _is_trial(folder) else NAMES
    log = next((folder / name for name in names if (folder / name).is_file()), None)
    log = log or _only(folder) or log_in(folder)
    if log is None:
        why = refused.of_folder(folder)
        message = (
            f"{folder}: the folder holds no log.json; name the log, or record one with `trainadvisor run train.py`"
        )
        raise LogError(message if why == refused.NO_FOLDER else f"{folder}: no log of a training; {why}")
    return log


def _only(folder: Path) -> Path | None:
    """Return the only log of the runs in a folder, None where none is; several are named, the latest first."""
    logs = sorted(filter(_is_ours, _logs(folder)), key=_rank, reverse=True)
    logs = [log for log in logs if log.name != BASELINE] or logs
    if len(logs) < 2:  # noqa: PLR2004 - several
        return logs[0] if logs else None
    more = ", ..." if len(logs) > SHOWN else ""
    named = ", ".join(str(log.parent) for log in logs[:SHOWN]) + more
    raise LogError(f"{folder}: holds {len(logs)} runs; name one, the latest first: {named}")


def _run_names() -> list[str]:
    return [folder.name for folder in RUNS.glob("*")]


def _advice() -> str:
    count = len(_run_names())
    return (
        f"; {RUNS} holds {count} run{'s' * (count != 1)}" if count else "; record one with `trainadvisor run train.py`"
    )
