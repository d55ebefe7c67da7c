"""Appends records to a log, which is a valid JSON array at all times."""

import os
import threading
from collections import deque
from contextlib import suppress
from pathlib import Path

import orjson

from trainadvisor import clocks
from trainadvisor.background import Background
from trainadvisor.errors import LogError
from trainadvisor.interruptions import from_handler
from trainadvisor.log.disk import Disk, is_log
from trainadvisor.log.records import EVENT, LAYERS, LOST, PROVISIONAL, STEP, Record, storable, storable_step
from trainadvisor.redaction import redacted
from trainadvisor.voice import Voice

_PACKED = {".gz", ".zst"}
# Records that hold no texts; there are many of them.
_NUMBERS = (STEP, LAYERS)
# Step records to which one of the layers counts as equal, for its size.
_LAYERS_AS_STEPS = 16
# Seconds that the end of the log waits for the thread that keeps time.
_PATIENCE = 0.2


class LogWriter:
    """Writes one record per line; files are written in batches, never by the training thread.

    No record waits longer than a second, the first ones less: what a process has recorded outlives its being killed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        voice: Voice | None = None,
        header: Record | None = None,
        batch: int = 1024,
        seconds: tuple[float, float] = (0.05, 1.0),
    ) -> None:
        """Create the log; raise LogError when the path cannot be written. Problems are reported through `voice`.

        A provisional header stands in the log until the first record comes. Records wait up to the first number of
        seconds, twice as long after each batch, and never longer than the second number.
        """
        self.path = Path(path)
        self._waiting: deque[Record] = deque()
        self._batch = batch
        self._pace, self._slowest = seconds
        self._flushed = clocks.monotonic()
        self._clock = Background(self._keep_time, "trainadvisor-pace")
        self._lock = threading.RLock()  # a signal handler of the script may close the log during one of these calls
        self._first = True
        # How much waits, in step records; about 256 kB are handed over at once.
        self._size = 0
        self._lost = self._steps = 0
        self._pid = os.getpid()
        if self.path.suffix in _PACKED:
            message = f"{self.path}: a log is written plainly; choose a name that ends in .json, and pack it afterwards"
            raise LogError(message)
        if not is_log(self.path):
            raise LogError(f"{self.path}: exists and is no trainadvisor log; choose another name")
        self._voice, self._shared = voice or Voice(), voice is not None
        try:
            self._disk = Disk(self.path, self._voice, self._encoded({**header, PROVISIONAL: True}) if header else None)
        except (OSError, ValueError) as error:
            self._let_go()
            reason = getattr(error, "strerror", None) or error
            message = f"{self.path}: cannot write the log ({reason}); choose another path with --log or log=..."
            raise LogError(message) from error

    def __call__(self, record: Record) -> None:
        """Write a record; the first goes to the disk at once, later ones in batches."""
        self._waiting.append(record)
        if record.get("record") == STEP:
            self._steps += 1
            self._size += 1
        else:
            self._size += _LAYERS_AS_STEPS
        late = clocks.monotonic() - self._flushed > self._pace
        if self._first or late or self._size >= self._batch:
            self.hand_over()
        elif self._clock.away:
            self._start_clock()

    def _start_clock(self) -> None:
        if os.getpid() == self._pid:
            with self._lock:
                self._clock.call()

    def _keep_time(self) -> None:
        """Hand over, in a thread, what waits too long because the next record does: a step may take minutes."""
        while not self._clock.wait_until(self._flushed + self._pace):
            if clocks.monotonic() - self._flushed >= self._pace:
                if self._is_idle():
                    return
                self.hand_over()
        self._clock.away = True

    def _is_idle(self) -> bool:
        """Return whether nothing waits; from then on the next record starts the thread again."""
        with self._lock:
            self._clock.away = True  # before the look: a record that comes behind it finds the thread away
            self._clock.away = not self._waiting
            return self._clock.away

    def flush(self) -> None:
        """Write all pending records and wait until they are on the disk."""
        self.hand_over()
        self.settle()

    def settle(self) -> None:
        """Wait until what was handed over is on the disk; any thread may."""
        if os.getpid() == self._pid:
            self._disk.settle()

    def close(self) -> None:
        """Flush and close; further records are dropped."""
        self.hand_over()
        if os.getpid() == self._pid:
            self._clock.end(_PATIENCE)
            self._disk.close(self._steps)
            self._let_go()

    def _let_go(self) -> None:
        if not self._shared:
            self._voice.close()

    def hand_over(self) -> None:
        """Hand pending records to the disk: a failing disk ends the log, a slow one loses records; nothing waits."""
        # A forked child shares the file: only the process that opened the log writes it.
        if os.getpid() != self._pid:
            self._waiting.clear()
            return
        with self._lock:
            self._flushed = clocks.monotonic()
            records = [self._waiting.popleft() for _ in range(len(self._waiting))]
            self._size = 0
            if records and not self._disk.over:
                self._pace = min(2 * self._pace, self._slowest)
                self._write(records)

    def _write(self, records: list[Record]) -> None:
        lost, self._lost = self._lost, 0
        if lost:
            records.insert(0, _loss(lost, records[0].get("step", 0)))
        lines = [line for record in records if (line := self._encoded(record))]
        if lines and self._disk.append(b",\n".join(lines)):
            self._first = False
        else:
            self._lost += lost + len(lines) - bool(lost)

    def _encoded(self, record: Record) -> bytes | None:
        """Return a record's line, or None for a record that cannot be encoded; others are not affected."""
        kind = record.get("record")
        try:
            if kind == STEP:
                with suppress(TypeError):  # a number or text that JSON cannot hold
                    return orjson.dumps(storable_step(record))
            return orjson.dumps(storable(record if kind in _NUMBERS else redacted(record)))
        except Exception as error:
            if from_handler(error):
                raise
            self._lost += 1
            return None


def _loss(count: int, step: object) -> Record:
    return {"record": EVENT, "kind": LOST, "step": step, "subject": "log", "detail": {"count": count}}
