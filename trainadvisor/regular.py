"""Opens untrusted paths safely: regular files read up to a limit, and folders walked up to a limit."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from trainadvisor.descriptors import Descriptor

MOST_ENTRIES, DEEPEST = 10_000, 8
# Folders whose files expose the machine itself.
SPECIAL = tuple(map(Path, ("/proc", "/sys")))


def is_file(path: Path) -> bool:
    """Return whether the file exists; False for an impossible name, such as one that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether the folder exists; False for an impossible name."""
    try:
        return path.is_dir()
    except OSError:
        return False


def opened(path: Path) -> BinaryIO:
    """Open a file for unbuffered reading; raise OSError for a pipe, device or folder instead of blocking."""
    return os.fdopen(_number(path), "rb", buffering=0)


def _number(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "not a regular file")
    return descriptor


def piece(path: Path, start: int, most: int) -> bytes:
    """Return at most so many bytes of a file that is read beside a script, none where the script closed our descriptor.

    Its number may stand for a file that the script opened meanwhile: that one is neither moved on nor closed.
    """
    number = _number(path)
    try:
        file = Descriptor(number)
    except OSError:  # closed already
        return b""
    try:
        return file.read(start, most)
    finally:
        file.close()


def content(path: Path, largest: int) -> bytes:
    """Return all bytes of a file; raise ValueError if it is larger."""
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
    """Yield the files below a folder, without links to folders and hidden folders; ValueError if too many."""
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
