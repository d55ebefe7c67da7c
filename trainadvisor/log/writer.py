"""Appends records to a log that is a valid JSON array at every moment."""

import os
import sys
import time
from pathlib import Path

import orjson

from trainadvisor.errors import LogError
from trainadvisor.log.records import Record, storable

_CLOSE = b"\n]\n"
_PACKED = {".gz", ".zst"}


class LogWriter:
    """Writes one record a line; every flush replaces the closing bracket by new lines and a new bracket in one call."""

    def __init__(self, path: str | Path, *, batch: int = 64, seconds: float = 1.0) -> None:
        """Create the log; raise LogError when the path cannot be written."""
        self.path = Path(path)
        self._waiting: list[Record] = []
        self._batch, self._seconds = batch, seconds
        self._flushed = time.monotonic()
        self._empty = True
        self._pid = os.getpid()
        if self.path.suffix in _PACKED:
            message = f"{self.path}: a log is written plainly; choose a name that ends in .json, and pack it afterwards"
            raise LogError(message)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: int | None = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            self._end = os.pwrite(self._file, b"[", 0)
            os.pwrite(self._file, _CLOSE, self._end)
        except OSError as error:
            message = f"{self.path}: cannot write the log ({error.strerror}); choose another path with --log or log=..."
            raise LogError(message) from error

    def __call__(self, record: Record) -> None:
        """Take a record; the first is written at once, the others in batches."""
        self._waiting.append(record)
        late = time.monotonic() - self._flushed > self._seconds
        if self._empty or late or len(self._waiting) >= self._batch:
            self.flush()

    def flush(self) -> None:
        """Write what waits; a failing disk ends the log, never the training."""
        self._flushed = time.monotonic()
        records, self._waiting = self._waiting, []
        # A forked child shares the file: only the process that opened the log writes it.
        if not records or self._file is None or os.getpid() != self._pid:
            return
        lines = b",\n".join(orjson.dumps(storable(record)) for record in records)
        data = (b"\n" if self._empty else b",\n") + lines
        try:
            self._write_all(self._file, data + _CLOSE)
        except OSError as error:
            self._give_up(self._file, error)
            return
        self._end += len(data)
        self._empty = False

    def close(self) -> None:
        """Flush and close; further records are dropped."""
        self.flush()
        if self._file is not None and os.getpid() == self._pid:
            os.close(self._file)
        self._file = None

    def _write_all(self, file: int, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += os.pwrite(file, data[written:], self._end + written)

    def _give_up(self, file: int, error: OSError) -> None:
        """Leave the lines that are whole, tell once, and stop writing."""
        try:
            os.ftruncate(file, self._end)
            os.pwrite(file, _CLOSE, self._end)
        except OSError:
            pass  # The disk is gone; the reader drops a torn tail.
        os.close(file)
        self._file = None
        sys.stderr.write(f"trainadvisor: {self.path}: {error.strerror}; the log ends here, the training goes on\n")
