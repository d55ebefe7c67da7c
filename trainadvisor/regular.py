"""Opens what may be anybody's: regular files, read to a bound, and folders walked to a bound."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_ENTRIES, DEEPEST = 10_000, 8
# Folders whose files are doors to the machine.
SPECIAL = tuple(map(Path, ("/proc", "/sys")))


def is_file(path: Path) -> bool:
    """Return whether there is such a file; a name that no file can have, as one too long, is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether there is such a folder; a name that none can have is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def opened(path: Path) -> BinaryIO:
    """Open a file to read, unbuffered; OSError for a pipe, a device or a folder, without waiting for it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file")
    return open(descriptor, "rb", buffering=0)  # noqa: PTH123 - a descriptor has no path


def content(path: Path, largest: int) -> bytes:
    """Return all bytes of a file; ValueError for one that is larger."""
    parts: list[bytes] = []
    room = largest + 1
    with opened(path) as file:
        while room > 0 and (part := file.read(room)):
            parts.append(part)
            room -= len(part)
    if room <= 0:
        message = f"larger than {largest >> 20} MB"
        raise ValueError(message)
    return b"".join(parts)


def walked(folder: Path, ending: str) -> Iterator[Path]:
    """Yield the files of a folder and of those in it, links to folders and hidden ones left out; ValueError beyond."""
    place = folder.resolve()
    if any(place.is_relative_to(special) for special in SPECIAL):
        message = "belongs to the system"
        raise ValueError(message)
    waiting, room = [(folder, 0)], MOST_ENTRIES
    while waiting:
        here, depth = waiting.pop()
        for entry in _entries(here, room):
            room -= 1
            if entry.is_dir(follow_symlinks=False):
                waiting += [(Path(entry.path), depth + 1)] if depth < DEEPEST and entry.name[0] != "." else []
            elif entry.name.endswith(ending) and entry.is_file():
                yield Path(entry.path)


def _entries(folder: Path, room: int) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if room <= 0:
                    message = f"holds more than {MOST_ENTRIES:,} files and folders"
                    raise ValueError(message)
                room -= 1
                yield entry
    except PermissionError:
        return
