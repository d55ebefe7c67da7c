"""Long-lived file descriptors, kept at high numbers and checked before each use.

A script may close all descriptors that it did not open itself, as daemons do; the system then gives their numbers to
the next files that the script opens. What we write must never land there.
"""

import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress

if sys.platform != "win32":
    import fcntl

# Lowest numbers to try, within the limit of the process: scripts close low ones and expect to get them again.
HIGH = (4000, 1000, 200, 60)


class Descriptor:
    """An open file that is identified by its device and inode, even if its number was reused."""

    def __init__(self, number: int) -> None:
        """Take ownership of a descriptor; its number changes."""
        self.number = _raised(number)
        self._file = _identity(self.number)

    @property
    def held(self) -> bool:
        """Return whether the number still refers to the file."""
        try:
            return _identity(self.number) == self._file
        except OSError:
            return False

    def regain(self, opened: Callable[[], int]) -> bool:
        """Return whether the file is held, if necessary by reopening it and checking that it is the same file."""
        if self.held:
            return True
        try:
            number = opened()
        except OSError:
            return False
        if _identity(number) != self._file:
            os.close(number)
            return False
        self.number = _raised(number)
        return True

    def read(self, start: int, most: int) -> bytes:
        """Return at most so many bytes from a place on, none if the number refers to another file."""
        if not self.held:
            return b""
        if sys.platform == "win32":
            os.lseek(self.number, start, os.SEEK_SET)
            return os.read(self.number, most)
        return os.pread(self.number, most, start)

    def close(self) -> None:
        """Close the file, unless its number now refers to another file."""
        if self.held:
            with suppress(OSError):
                os.close(self.number)


def _identity(number: int) -> tuple[int, int, int]:
    found = os.fstat(number)
    return found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode)


def _raised(number: int) -> int:
    """Move a descriptor to a high number if one is free."""
    if sys.platform == "win32":
        return number
    for least in HIGH:
        with suppress(OSError, ValueError):
            raised = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, least)
            os.close(number)
            return raised
    return number
