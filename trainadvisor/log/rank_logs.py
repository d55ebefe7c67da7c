"""Several processes, one training: each writes its own log next to that of the first."""

import os
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from trainadvisor import clocks

# Environment variables in which torchrun (and compatible launchers), Open MPI and Slurm set rank and world size.
_LAUNCHERS = (
    ("RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
)
_JOB = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "SLURM_JOB_ID", "MASTER_ADDR", "MASTER_PORT")
_NUMBERED = re.compile(r"\.rank[0-9]+(?=\.)")
_LAST = 4096
MOST_AT_ONCE = 1000  # runs that start in one second


def of_environment(environment: Mapping[str, str] = os.environ) -> tuple[int, int]:
    """Return this process's rank and the number of processes, (0, 1) where no launcher has set them."""
    for rank, size in _LAUNCHERS:
        words = environment.get(rank, ""), environment.get(size, "")
        if all(word.isdecimal() for word in words) and int(words[0]) < int(words[1]):
            return int(words[0]), int(words[1])
    return 0, 1


def job(environment: Mapping[str, str] = os.environ) -> str:
    """Return an identifier shared by the processes of one launch, empty when no launcher has set one."""
    return "/".join(environment[name] for name in _JOB if environment.get(name))


def path_of(path: Path, rank: int) -> Path:
    """Return the log of a rank: `log.json` for the first, `log.rank1.json` beside it for the next."""
    if not rank:
        return path
    name, dot, endings = path.name.partition(".")
    return path.with_name(f"{name}.rank{rank}{dot}{endings}")


def is_numbered(path: Path) -> bool:
    """Return whether a file name belongs to the log of a rank other than the first."""
    return bool(_NUMBERED.search(path.name))


def launched() -> datetime:
    """Return the start time of the run, if known the same in all processes of a launch on one machine."""
    now = datetime.now().astimezone()
    if of_environment()[1] == 1:
        return now
    try:
        launcher = Path(f"/proc/{os.getppid()}/stat").read_bytes()
        boot = Path("/proc/stat").read_bytes().partition(b"\nbtime ")[2]
        ticks = int(launcher.rpartition(b")")[2].split()[19])  # seconds from boot to the launcher's start
        return datetime.fromtimestamp(int(boot.split()[0]) + ticks // os.sysconf("SC_CLK_TCK")).astimezone()
    except (OSError, ValueError, IndexError):
        return now


def folder_of_its_own(named: Path) -> Path:
    """Make and return a folder that no other run has: runs of a sweep start in the same second."""
    for number in range(1, MOST_AT_ONCE):
        folder = named if number == 1 else named.with_name(f"{named.name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError:  # told where the log is begun
            break
        return folder
    return named


def await_ends(paths: Iterable[Path], seconds: float) -> bool:
    """Wait until logs have ended or the time is up; return whether all have ended."""
    until, waiting = clocks.monotonic() + seconds, list(paths)
    while waiting := [path for path in waiting if not _has_ended(path)]:
        if clocks.monotonic() > until:
            return False
        clocks.sleep(0.05)
    return True


def _has_ended(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST))
            return b'{"record":"end"' in file.read()
    except OSError:
        return False
