"""A log that is still being written: each read costs only what was added since the last one."""

import copy
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from trainadvisor.errors import LogError
from trainadvisor.log.reader import RunLog
from trainadvisor.log.records import PROVISIONAL
from trainadvisor.log.stream import FRAME, LONGEST_LINE, Stream, too_long
from trainadvisor.log.training_views import DERIVED
from trainadvisor.regular import piece

# Reads after which an unreadable line is skipped: until then it may be half written.
PATIENCE = 3
PACKED = (".gz", ".zst")
# Most bytes of one read, so that catching up with a log of any length takes bounded memory.
LOOK = 8 << 20
BATCH = 20_000

Record = dict[str, Any]


class Tail:
    """Reads the complete lines added to a log; a log that was replaced is read from its start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restarted = False
        # Whether the last read left something for the next one.
        self.behind = False
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self._failures = 0

    def read(self) -> list[Record]:
        """Return new records, none while there is no log; `restarted` tells that they begin at the start of the log."""
        self.restarted = self.behind = False
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return []
        if not stat.S_ISREG(facts.st_mode):
            raise LogError(f"{self.path}: is not a regular file; name the log.json of a run")
        if self._file not in (None, (facts.st_dev, facts.st_ino)) or facts.st_size < self._offset:
            self._offset, self.restarted = 0, self._file is not None
        self._file = (facts.st_dev, facts.st_ino)
        return self._gained() if facts.st_size > self._offset else []

    def _gained(self) -> list[Record]:
        try:
            data = piece(self.path, self._offset, LOOK)
            self.behind = len(data) == LOOK
            if self.behind and b"\n" not in data:
                data += piece(self.path, self._offset + LOOK, LONGEST_LINE)
        except OSError as error:
            message = f"{self.path}: cannot be read ({error.strerror}); check the file"
            raise LogError(message) from error
        if len(data) > LONGEST_LINE and b"\n" not in data:
            raise LogError(too_long(self.path))
        return self._records(data)

    def _records(self, data: bytes) -> list[Record]:
        """Parse the complete lines in a block of bytes."""
        records: list[Record] = []
        position = self._offset
        for line in data.split(b"\n")[:-1]:
            if body := line.strip(FRAME):
                record = self._parse(body)
                if record is None or record.get(PROVISIONAL):
                    self.behind = False
                    break
                records += [record] if record else []
                # after the record, not after its line: the bracket that closes the log will be overwritten
                self._offset = position + (line.rfind(b"}") + 1 or len(line))
            position += len(line) + 1
        if self.behind:  # this is not the end of the file, so no bracket in it is overwritten
            self._offset = max(self._offset, position)
        return records

    def _parse(self, body: bytes) -> Record | None:
        """Return a record, {} for a line to skip, None for a line that may be incomplete."""
        try:
            record = orjson.loads(body)
        except orjson.JSONDecodeError:
            self._failures += 1
            if self._failures < PATIENCE:
                return None
            record = {}
        self._failures = 0
        return record if isinstance(record, dict) else {}


class GrowingLog:
    """A log that is fed as it grows, and can be judged at any moment without rereading it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail = Tail(path)
        self._log = RunLog(path)
        self._packed = iter(Stream(path)) if path.suffix in PACKED else None

    @property
    def behind(self) -> bool:
        """Return whether more was waiting than one read takes."""
        return self._tail.behind

    def grow(self) -> list[Record]:
        """Add new records, a large log piece by piece, and return them; a compressed log is read once."""
        records = self._tail.read() if self._packed is None else self._unpacked(self._packed)
        if self._tail.restarted:
            self._log = RunLog(self.path)
        if records:
            self._log.take(records)
        return records

    def _unpacked(self, batches: Iterator[list[Any]]) -> list[Record]:
        """Return the records of the next batches of a compressed log."""
        taken: list[Record] = []
        self._tail.behind = False
        for batch in batches:
            taken += [record for record in batch if isinstance(record, dict)]
            if len(taken) >= BATCH:
                self._tail.behind = True
                break
        return taken

    def snapshot(self) -> RunLog | None:
        """Return the log so far, to be judged before it grows further; None until its header was read."""
        if not self._log.header:
            return None
        log = copy.copy(self._log)
        for name in DERIVED:
            log.__dict__.pop(name, None)
        log.growing = True
        log.notes = list(self._log.notes)
        log._facts = list(self._log._facts)  # noqa: SLF001 - one idea in two modules
        log.finish(Stream(self.path))
        return log
