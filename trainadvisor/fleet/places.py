"""Where the logs of a fleet lie: folders, globs, single files, and addresses that fsspec knows."""

from __future__ import annotations

import glob
import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import UsageError
from trainadvisor.fleet.studies import DATABASES
from trainadvisor.fleet.trial_folders import LARGEST, PARAMETERS, group_of, tune_trials, wandb_sweeps
from trainadvisor.regular import is_folder, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
RANKED = re.compile(r"\.rank\d+\.")
# Names of files that can be the log of a training; what they are is told by what they hold.
ENDINGS = (".json", ".json.gz", ".json.zst", ".jsonl", ".csv", ".tsv", ".log", ".out", ".err", ".wandb",
           *DATABASES, ".journal")  # fmt: skip
EVENTS = "tfevents"
# Files that lie beside logs and are none.
BESIDE = re.compile(
    r"(^|/)(config|args|package(-lock)?|tokenizer(_config)?|special_tokens_map|generation_config|wandb-metadata|"
    r"wandb-summary|vocab|all_results|train_results|eval_results|trial|hparams|params|"
    r"(basic-variant-state|experiment_state|searcher-state)-[^/]*)\.json$|(^|/)debug(-internal|-core)?\.log$"
)
BLOCK = 1 << 20


@dataclass(frozen=True)
class Place:
    """One log: its address as it is told, and the file system that it lies in, None for this machine's."""

    address: str
    system: Any = None
    path: str = ""
    # The sweep that it belongs to, and the file with the parameters of its trial.
    group: str = ""
    beside: str = ""


def found(paths: list[str]) -> Iterator[Place]:
    """Yield the logs of some paths, each once, in the order of their names; UsageError where a path leads nowhere."""
    seen: set[str] = set()
    for path in paths:
        places = _remote(path) if ADDRESS.match(path) else _local(path)
        for place in places:
            if place.address not in seen:
                seen.add(place.address)
                yield place


def _is_log(name: str) -> bool:
    plain = name.rpartition("/")[2]
    named = plain.endswith(ENDINGS) or EVENTS in plain
    return named and not RANKED.search(plain) and not BESIDE.search(plain)


def _local(path: str) -> list[Place]:
    if is_folder(Path(path)):
        files = [file.as_posix() for file in Path(path).rglob("*") if file.is_file()]
        return [Place(log, group=group, beside=beside) for log, group, beside in _of_names(files, path)]
    if Path(path).is_file():
        return [Place(path)]
    names = sorted(glob.glob(path, recursive=True)) if glob.has_magic(path) else []  # noqa: PTH207 - any pattern
    if not names:
        message = f"{path}: there is no such file, folder or address, and nothing fits it as a pattern"
        raise UsageError(message)
    return [place for name in names for place in ([Place(name)] if Path(name).is_file() else _local(name))]


def _of_names(files: list[str], root: str) -> list[tuple[str, str, str]]:
    """Return the logs among the files of a folder, each with its sweep and the file of its parameters.

    The event files of one folder are one log, and a trial of Ray Tune is one whatever it wrote.
    """
    below = len(root.rstrip("/")) + 1
    shown = [name for name in files if not any(part.startswith(".") for part in name[below:].split("/"))]
    tune, sweeps = tune_trials(shown), wandb_sweeps(shown)
    logs = {_log(name) for name in shown if _is_log(name) and name.rpartition("/")[0] not in tune}
    return [
        (log, group_of(log, sweeps, tune), f"{folder}/{PARAMETERS}" if folder in tune else "")
        for log in sorted(logs | set(tune.values()))
        for folder in [log.rpartition("/")[0]]
    ]


def _log(name: str) -> str:
    folder, _, plain = name.rpartition("/")
    return folder if EVENTS in plain else name


def _remote(address: str) -> list[Place]:
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
        files = system.glob(path) if glob.has_magic(path) else system.find(path)
    except ImportError as error:
        message = f"{address}: {error}; pip install what its file system needs"
        raise UsageError(message) from error
    except Exception as error:
        message = f"{address}: cannot be read ({type(error).__name__}: {error})"
        raise UsageError(message) from error
    if not files:
        message = f"{address}: there is nothing"
        raise UsageError(message)
    scheme = address.partition("://")[0]
    names = [name for name in map(str, files) if EVENTS not in name]
    found = _of_names(names, path) or [(str(files[0]), "", "")]
    return [Place(f"{scheme}://{name.lstrip('/')}", system, name, group, beside) for name, group, beside in found]


@contextmanager
def at_hand(place: Place) -> Iterator[Path]:
    """Yield the log as a file of this machine; one from elsewhere is copied block by block."""
    if place.system is None:
        yield Path(place.address)
        return
    with tempfile.TemporaryDirectory(prefix="trainadvisor-", ignore_cleanup_errors=True) as folder:
        yield fetched(place, Path(folder))


def fetched(place: Place, folder: Path) -> Path:
    """Copy a log from elsewhere into a folder and return the file."""
    file = folder / place.path.rpartition("/")[2]
    with place.system.open(place.path, "rb") as source, file.open("wb") as target:
        while block := source.read(BLOCK):
            target.write(block)
    return file


def beside(place: Place) -> bytes:
    """Return the file with the parameters of a trial, nothing where there is none."""
    if not place.beside:
        return b""
    with place.system.open(place.beside, "rb") if place.system is not None else opened(Path(place.beside)) as file:
        content: bytes = file.read(LARGEST)
    return content
