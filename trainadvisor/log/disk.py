"""The file of a log: lines are appended in a thread of their own, so that a slow disk never holds the training."""

import os
import sys
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

CLOSE = b"\n]\n"
LARGEST_WAITING = 32 << 20
"""Bytes that may wait for a slow disk; what comes beyond is refused, not kept."""
PATIENCE = 10.0
"""Seconds that the end of a run waits for its last lines to be written."""


class Disk:
    """Keeps a file a valid JSON array: each block of lines replaces the closing bracket in one call.

    The thread lives only while something is to be written: a process without threads forks without a warning.
    """

    def __init__(self, path: Path) -> None:
        """Create the file, in place of an older one; raises OSError."""
        self.path = path
        self.over = False
        """Whether nothing is written any more."""
        self._lock = threading.RLock()  # a signal handler of the script may close the log amid a call of ours
        self._blocks: deque[bytes] = deque()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._empty = True
        self._file = _create(path)
        self._linked = os.fstat(self._file).st_nlink > 0
        self._end = os.pwrite(self._file, b"[", 0)
        os.pwrite(self._file, CLOSE, self._end)

    def append(self, lines: bytes) -> bool:
        """Take lines to write; say whether they were taken."""
        with self._lock:
            if self.over or self._waiting + len(lines) > LARGEST_WAITING:
                return False
            self._blocks.append(lines)
            self._waiting += len(lines)
        self._start()
        return True

    def _start(self) -> None:
        """Let a thread write what waits, if none does."""
        with self._lock:
            if not self._blocks or (self._thread is not None and self._thread.is_alive()):
                return
            self._idle.clear()
            self._thread = threading.Thread(target=self._work, name="trainadvisor-log", daemon=True)
            with suppress(RuntimeError):  # no more threads, as at the end of the interpreter
                self._thread.start()
                return
        self._work()

    def settle(self, seconds: float = PATIENCE) -> bool:
        """Wait until all that was taken is written; say whether it is."""
        self._start()
        return self._idle.wait(seconds)

    def close(self) -> None:
        """Write what waits and close the file; a disk that does not answer is left behind."""
        settled = self.settle()
        with self._lock:
            if self.over:
                return
            self.over = True
            if settled:
                os.close(self._file)
        if not settled:
            self._tell("the disk does not answer; the last lines of the log may be missing")

    def _work(self) -> None:
        """Write blocks until there is none."""
        while True:
            with self._lock:
                if not self._blocks or self.over:
                    self._blocks.clear()
                    self._waiting, self._thread = 0, None
                    self._idle.set()
                    return
                block = self._blocks.popleft()
            try:
                self._write(block)
            except Exception as error:  # noqa: BLE001 - whatever it is, it ends the log and not the training
                self._give_up(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")
            with self._lock:
                self._waiting -= len(block)

    def _write(self, lines: bytes) -> None:
        if self._linked and os.fstat(self._file).st_nlink == 0:
            raise OSError(0, "the file was removed, or another run writes it now")
        data = (b"\n" if self._empty else b",\n") + lines
        whole, written = data + CLOSE, 0
        while written < len(whole):
            written += os.pwrite(self._file, whole[written:], self._end + written)
        self._end += len(data)
        self._empty = False

    def _give_up(self, reason: str) -> None:
        """Leave the lines that are whole, tell once, and stop writing."""
        with suppress(OSError):  # the disk may be gone; the reader drops a torn tail
            os.ftruncate(self._file, self._end)
            os.pwrite(self._file, CLOSE, self._end)
        with self._lock:
            if not self.over:
                self.over = True
                os.close(self._file)
        self._tell(f"{reason}; the log ends here, the training goes on")

    def _tell(self, message: str) -> None:
        with suppress(Exception):  # the script may have closed its stderr
            sys.stderr.write(f"trainadvisor: {self.path}: {message}\n")


def _create(path: Path) -> int:
    """Open a new file; an older one is let go, so that a run that still writes it cannot tear this one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.resolve()
    if place.is_file():
        with suppress(OSError):
            place.unlink()
    return os.open(place, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
