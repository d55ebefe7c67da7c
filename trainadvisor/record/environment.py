"""Describes the machine, the versions and the command of a run."""

import os
import platform
import sys
from datetime import UTC, datetime
from typing import Any

import torch

from trainadvisor.interruptions import from_handler
from trainadvisor.log.rank_logs import job
from trainadvisor.log.records import FORMAT
from trainadvisor.record import process_rank
from trainadvisor.script_mark import mark_of_file
from trainadvisor.version import __version__

_open = open  # a script may put another one into its place for a while, as `unittest.mock.mock_open` does


def header() -> dict[str, Any]:
    """Return the header's facts that do not depend on the training's objects."""
    rank, size = process_rank.place()
    return {
        "format": FORMAT, "tool": __version__, "created": datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        "script": sys.argv[0] or None, "script_mark": mark_of_file(sys.argv[0]), "argv": sys.argv[1:],
        "source": "recorder", "python": platform.python_version(),
        "torch": torch.__version__, "platform": platform.platform(terse=True), "device": "cpu", "seed": None,
        "threads": torch.get_num_threads(), "cores": os.cpu_count(), "planned_steps": None,
        "rank": rank, "world_size": size, "job": job() or None,
        "models": [], "optimizers": [], "losses": [], "loaders": [], "schedulers": [],
    }  # fmt: skip


def device(where: torch.device) -> dict[str, Any]:
    """Return the facts of the device that the model is on."""
    name = torch.cuda.get_device_name(where) if where.type == "cuda" else None
    return {"device": where.type, "device_name": name}


def memory_megabytes() -> float | None:
    """Return what the process (or, on a GPU, torch's allocator) has in use, in MB."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.cuda.memory_allocated() / 1e6
    try:
        with _open("/proc/self/statm", encoding="ascii") as file:  # read every tenth step: no Path object
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError) as error:
        if from_handler(error):  # a TimeoutError is an OSError
            raise
        return None


def peak_megabytes() -> float | None:
    """Return the most that the process (or, on a GPU, torch's allocator) has had in use so far, in MB."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return torch.cuda.max_memory_allocated() / 1e6
    try:
        with _open("/proc/self/status", encoding="ascii", errors="replace") as file:
            peak = next((line for line in file if line.startswith("VmHWM:")), "")
        return int(peak.split()[1]) * 1024 / 1e6
    except (OSError, ValueError, IndexError) as error:
        if from_handler(error):
            raise
        return None
