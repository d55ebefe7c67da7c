"""A log of another tool that is still being written: read again whenever it has changed."""

import time
from pathlib import Path
from typing import Any

from trainadvisor.errors import LogError
from trainadvisor.importers.foreign_logs import NothingYetError, built, imported, is_own
from trainadvisor.log.growing import GrowingLog
from trainadvisor.log.reader import RunLog

# Reading again takes this share of the time at most.
SHARE = 20.0

Record = dict[str, Any]


def growing(path: Path) -> "GrowingLog | GrowingImport":
    """Return a log that is judged while it grows, whoever writes it; one that has not begun yet is to be ours."""
    return GrowingLog(path) if _has_not_begun(path) or is_own(path) else GrowingImport(path)


def _has_not_begun(path: Path) -> bool:
    """Return whether nothing is written yet but the brackets of a log of ours."""
    if not path.is_file():
        return not path.exists()
    with path.open("rb") as file:
        return not file.read(64).strip(b"[] \t\r\n")


class GrowingImport:
    """A foreign log as it grows: its records so far, and those that the last reading added."""

    behind = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._records: list[Record] = []
        self._notes: list[str] = []
        self._next_look = 0.0
        self._began = False

    def grow(self) -> list[Record]:
        """Return the records that are new; none while the file is as it was, or not yet readable."""
        now = time.monotonic()
        state = self._state()
        if state == self._seen or now < self._next_look:
            return []
        self._seen = state
        try:
            records, notes = imported(self.path)
        except NothingYetError:
            return []
        except LogError:
            if not self._began:
                raise
            return []
        finally:
            self._next_look = time.monotonic() + SHARE * (time.monotonic() - now)
        gained = _gained(self._records, records)
        self._began, self._records, self._notes = True, records, notes
        return gained

    def _state(self) -> tuple[int, int]:
        """Return what changes when a file is written, or one in a folder."""
        files = [path for path in self.path.rglob("*") if path.is_file()] if self.path.is_dir() else [self.path]
        facts = [path.stat() for path in files[:1000]]
        return sum(fact.st_size for fact in facts), max((fact.st_mtime_ns for fact in facts), default=0)

    def snapshot(self) -> RunLog | None:
        """Return the log so far."""
        return built(self.path, self._records, self._notes) if self._began else None


def _gained(before: list[Record], after: list[Record]) -> list[Record]:
    """Return the records after those that were known; all of them where an earlier one changed."""
    known = [record for record in before if record.get("record") in ("step", "eval")]
    now = [record for record in after if record.get("record") in ("step", "eval")]
    if before and now[: len(known)] == known:
        return now[len(known) :] + [record for record in after if record.get("record") == "end"]
    return after
