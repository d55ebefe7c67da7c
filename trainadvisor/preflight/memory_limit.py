"""How much memory a run may take here: what the machine has, or less where its control group allows less."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.log.reader import RunLog

SYSTEM = Path("/")
MEGABYTE = 1e6


def limit_of(log: RunLog, system: Path = SYSTEM) -> float | None:
    """Return the memory in MB that the run of a log may take: that of its GPU, or else that of this machine."""
    if log.header.get("device") == "cuda":
        totals = [event["detail"].get("memory_total") for event in log.events if event["kind"] == "device"]
        return next((float(total) for total in totals if isinstance(total, int | float)), None)
    return machine_limit(system)


def machine_limit(system: Path = SYSTEM) -> float | None:
    """Return the smallest of the machine's memory and the limits of the control groups that hold this process."""
    known = [*_machine(), *_groups(system)]
    return min(known) / MEGABYTE if known else None


def _machine() -> Iterator[float]:
    try:
        yield float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # no such figure on this system
        return


def _groups(system: Path) -> Iterator[float]:
    """Yield the limits of all groups from the process's own one up to the root, of either version."""
    for line in _text(system / "proc/self/cgroup").splitlines():
        _, controllers, own = [*line.split(":", 2), "", ""][:3]
        version_1 = "memory" in controllers.split(",")
        if controllers and not version_1:
            continue
        top = system / "sys/fs/cgroup" / ("memory" if version_1 else "")
        file = "memory.limit_in_bytes" if version_1 else "memory.max"
        group = top / own.strip("/")
        for folder in (group, *group.parents):
            if (told := _text(folder / file).strip()).isdecimal():
                yield float(told)
            if folder == top:
                break


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
