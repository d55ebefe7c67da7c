"""File descriptors of ours that live long: kept at a high number, and checked before each use.

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

# Least numbers to try, the limit of the process allowing: scripts close low ones, and get the same ones as ever.
HIGH = (4000, 1000, 200, 60)


class Descriptor:
    """An open file that is known by its device and inode, whatever its number has come to stand for."""

    def __init__(self, number: int) -> None:
        """Take over a descriptor; its number changes."""
        self.number = _raised(number)
        self._file = _identity(self.number)

    @property
    def held(self) -> bool:
        """Return whether the number still stands for the file."""
        try:
            return _identity(self.number) == self._file
        except OSError:
            return False

    def regain(self, opened: Callable[[], int]) -> bool:
        """Return whether the file is held, if need be through a new descriptor that turns out to be of it."""
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

    def close(self) -> None:
        """Close the file; a number that has come to stand for another one is left alone."""
        if self.held:
            with suppress(OSError):
                os.close(self.number)


def _identity(number: int) -> tuple[int, int, int]:
    found = os.fstat(number)
    return found.st_dev, found.st_ino, stat.S_IFMT(found.st_mode)


def _raised(number: int) -> int:
    """Move a descriptor to a high number; where none is free it stays where it is."""
    if sys.platform == "win32":
        return number
    for least in HIGH:
        with suppress(OSError, ValueError):
            raised = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, least)
            os.close(number)
            return raised
    return number
