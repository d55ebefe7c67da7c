"""The file of a log: a separate thread appends the lines, so that a slow disk never blocks the training."""

import math
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from trainadvisor.background import Background
from trainadvisor.descriptors import Descriptor
from trainadvisor.interruptions import from_handler
from trainadvisor.log.records import CUT, EVENT
from trainadvisor.voice import Voice

CLOSE = b"\n]\n"
# Bytes that may be queued for a slow disk; further lines are refused.
LARGEST_WAITING = 32 << 20
# Seconds to wait at the end of a run for its last lines to be written.
PATIENCE = 10.0
# Seconds after which it looks again whether they wait for a thread.
_LOOK = 0.2
# Letters of the reason for a cut, and bytes of the record that tells it, which is written once more at the end.
_LONGEST_REASON, _MARK = 120, 260
# Bytes at the beginning of a file that show whether it is a log, and those at its end where that record may stand.
_BEGIN, _TAIL = 64, 1 << 16


class Disk:
    """Keeps a file a valid JSON array: each block of lines replaces the closing bracket in one call.

    The thread lives only while something is to be written: a process without threads forks without a warning.
    """

    def __init__(self, path: Path, voice: Voice, provisional: bytes | None = None) -> None:
        """Create the file, replacing an older one; raises OSError. The first block replaces the provisional line."""
        self.path = path
        self._place, self._voice = path.resolve(), voice
        # Whether writing has stopped for good.
        self.over = False
        self._lock = threading.RLock()  # a signal handler of the script may close the log during one of these calls
        self._blocks: deque[bytes] = deque()
        self._waiting = 0
        self._thread = Background(self._work, "trainadvisor-log")
        self._writing = False
        self._idle = threading.Event()
        self._idle.set()
        self._empty = True
        # Why the log ends before the training does, if so.
        self._cut = ""
        self._file = Descriptor(_create(self._place))
        self._linked = os.fstat(self._file.number).st_nlink > 0
        self._end = os.pwrite(self._file.number, b"[", 0)
        os.pwrite(self._file.number, b"\n" + provisional + CLOSE if provisional else CLOSE, self._end)

    def append(self, lines: bytes) -> bool:
        """Queue lines for writing; return whether they were accepted."""
        with self._lock:
            if self.over or self._waiting + len(lines) > LARGEST_WAITING:
                return False
            self._blocks.append(lines)
            self._waiting += len(lines)
        self._start()
        return True

    def _start(self) -> None:
        """Start the writer thread if it is not running."""
        with self._lock:
            if not self._blocks or self._writing or self._thread.leaving.is_set():
                return
            self._idle.clear()
            self._writing = True
            if self._thread.call():
                return
        self._work()

    def settle(self, seconds: float = PATIENCE) -> bool:
        """Wait until all queued lines are written; return whether they are."""
        self._start()
        for _ in range(math.ceil(seconds / _LOOK)):  # counted, because a clock may jump
            if self._idle.wait(_LOOK):
                return True
            self._start()  # the thread has left what waits for another one, because the process forks
        return self._idle.is_set()

    def close(self, steps: int | None = None) -> None:
        """Write the queued lines and close the file; the total number of steps is noted in a log that was cut short."""
        settled = self.settle()
        if settled and self._cut:
            self._mark(steps)
        with self._lock:
            over, self.over = self.over, True
            if settled:
                self._file.close()
        if not settled and not over:
            self._tell("the disk does not answer; the last lines of the log may be missing")

    def _work(self) -> None:
        """Write blocks until the queue is empty."""
        while True:
            with self._lock:
                if not self._blocks or self.over:
                    self._blocks.clear()
                    self._waiting, self._writing, self._thread.away = 0, False, True
                    self._idle.set()
                    return
                if self._thread.leaving.is_set():
                    self._writing, self._thread.away = False, True
                    return
                block = self._blocks.popleft()
            end = self._end
            try:
                self._write(block)
            except BaseException as error:
                if not isinstance(error, Exception) or from_handler(error):  # where the script's own thread writes
                    self._interrupted(block, end)
                    raise
                self._give_up(getattr(error, "strerror", None) or f"{type(error).__name__}: {error}")
            with self._lock:
                self._waiting -= len(block)

    def _interrupted(self, block: bytes, end: int) -> None:
        """Let the next call go on, with the same block unless it is complete."""
        with self._lock:
            if self._end == end:
                self._blocks.appendleft(block)
            else:
                self._waiting -= len(block)
            self._writing, self._thread.away = False, True

    def _write(self, lines: bytes) -> None:
        if not self._reachable():
            raise OSError(0, "the script has closed the file, and it is not found again")
        number = self._file.number
        if self._linked and os.fstat(number).st_nlink == 0:
            raise OSError(0, "the file was removed, or another run writes it now")
        data = (b"\n" if self._empty else b",\n") + lines
        _put(number, data + CLOSE, self._end)
        if self._empty:
            with suppress(OSError):  # a device has no length
                os.ftruncate(number, self._end + len(data) + len(CLOSE))
        self._end, self._empty = self._end + len(data), False

    def _reachable(self) -> bool:
        """Return whether the descriptor still refers to the log, reopening the file if the script closed it."""
        return self._file.regain(lambda: os.open(self._place, os.O_RDWR | os.O_CLOEXEC))

    def _give_up(self, reason: str) -> None:
        """Keep the complete lines, report the problem once, and stop writing."""
        with self._lock:
            told, self.over = self.over, True
        self._cut = self._cut or reason
        self._mark(None)
        if not told:
            self._tell(f"{reason}; the log ends here, the training goes on")

    def _mark(self, steps: int | None) -> None:
        """Note in the log that it was cut short: after its last line, or in place of some when no space is left."""
        record = {"record": EVENT, "kind": CUT, "step": 0, "subject": "log"}
        mark = orjson.dumps({**record, "detail": {"reason": self._cut[:_LONGEST_REASON], "steps": steps}})
        mark = (b"\n" if self._empty else b",\n") + mark.ljust(_MARK) + CLOSE
        with suppress(OSError):  # the disk may be gone; the reader drops an incomplete last line
            if not self._reachable():
                return
            number = self._file.number
            for end in self._ends(number, len(mark)):
                with suppress(OSError):
                    _put(number, mark, end)
                    os.ftruncate(number, end + len(mark))
                    self._end = end  # a second mark replaces the first
                    return
            os.ftruncate(number, self._end)
            os.pwrite(number, CLOSE, self._end)

    def _ends(self, number: int, room: int) -> Iterator[int]:
        """Yield possible positions of the mark: at the end, then after the last line that leaves enough room."""
        yield self._end
        begin = max(0, self._end - _TAIL)
        before = os.pread(number, self._end - begin, begin).rfind(b",\n", 0, self._end - begin - room)
        if before > 0:
            yield begin + before

    def _tell(self, message: str) -> None:
        self._voice.line(f"trainadvisor: {self.path}: {message}")


def _put(number: int, data: bytes, place: int) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(number, data[written:], place + written)


def is_log(path: Path) -> bool:
    """Return whether a log may replace a file: it is a log, empty, missing, or a device."""
    with suppress(OSError):  # opening it will say what is wrong with it
        if not path.is_file():
            return True
        with path.open("rb") as file:
            begin = file.read(_BEGIN).strip(b"[] \t\r\n")
        return not begin or begin.startswith(b'{"record":')
    return True


def _create(place: Path) -> int:
    """Create a new file; an older one is unlinked, so that a run still writing to it cannot corrupt this one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_file():
        with suppress(OSError):
            place.unlink()
    return os.open(place, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
