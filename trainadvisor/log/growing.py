"""A log that is still written: every look costs what was added since the last one."""

import copy
from pathlib import Path
from typing import Any

import orjson

from trainadvisor.errors import LogError
from trainadvisor.log.reader import RunLog
from trainadvisor.log.stream import FRAME, LONGEST_LINE, Stream

PATIENCE = 3
"""Looks after which a line that cannot be read is given up: before, it may be half written."""
DERIVED = ("stages", "stage", "_span", "steps", "lr_groups", "lr", "evals", "model", "layers", "_takers")
PACKED = (".gz", ".zst")

Record = dict[str, Any]


class Tail:
    """Reads the whole lines that a log has gained; a log that was replaced is read from its start."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.restarted = False
        self._offset = 0
        self._file: tuple[int, int] | None = None
        self._failures = 0

    def read(self) -> list[Record]:
        """Return the new records, none while there is no log; `restarted` says whether they are from the start."""
        self.restarted = False
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return []
        if self._file not in (None, (facts.st_dev, facts.st_ino)) or facts.st_size < self._offset:
            self._offset, self.restarted = 0, self._file is not None
        self._file = (facts.st_dev, facts.st_ino)
        return self._gained() if facts.st_size > self._offset else []

    def _gained(self) -> list[Record]:
        records: list[Record] = []
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self._offset)
                while self._take(file.read(LONGEST_LINE), records):
                    file.seek(self._offset)
        except OSError as error:
            message = f"{self.path}: cannot be read ({error.strerror}); check the file"
            raise LogError(message) from error
        return records

    def _take(self, data: bytes, records: list[Record]) -> bool:
        """Parse the whole lines of some bytes; return whether there may be more."""
        if not data:
            return False
        position = self._offset
        for line in data.split(b"\n")[:-1]:
            if body := line.strip(FRAME):
                record = self._parse(body)
                if record is None:
                    return False
                records += [record] if record else []
                # behind the record, not behind its line: the bracket that closes the log will be overwritten
                self._offset = position + (line.rfind(b"}") + 1 or len(line))
            position += len(line) + 1
        if len(data) < LONGEST_LINE:
            return False
        if b"\n" not in data:
            message = f"{self.path}: a line is longer than 64 MB; this is not a trainadvisor log"
            raise LogError(message)
        return True

    def _parse(self, body: bytes) -> Record | None:
        """Return a record, {} for a line to skip, None for one that may still be written."""
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
    """A log fed from its tail, which can be judged at any moment without reading it again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tail = Tail(path)
        self._log = RunLog(path)
        self._packed = path.suffix in PACKED

    def grow(self) -> list[Record]:
        """Take what was added and return it; a compressed log is read once."""
        if self._packed:
            self._packed = False
            records = [record for batch in Stream(self.path) for record in batch]
        else:
            records = self._tail.read() if self.path.suffix not in PACKED else []
        if self._tail.restarted:
            self._log = RunLog(self.path)
        if records:
            self._log.take(records)
        return records

    def snapshot(self) -> RunLog | None:
        """Return the log so far, to be judged before it grows on; None before its header."""
        if not self._log.header:
            return None
        log = copy.copy(self._log)
        for name in DERIVED:
            log.__dict__.pop(name, None)
        log.memo, log.signal_errors, log.notes = {}, {}, list(self._log.notes)
        log._facts = list(self._log._facts)  # noqa: SLF001 - one idea in two modules
        log.finish(Stream(self.path))
        return log
