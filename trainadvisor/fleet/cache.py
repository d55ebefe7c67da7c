"""Judgements that are kept by the content of their logs, so that a fleet is judged once."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.fleet.entry import Entry
from trainadvisor.judge.rulebook import rule_files, shipped_rules
from trainadvisor.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable


def default_file() -> Path:
    """Return where judgements are kept where nobody says."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "trainadvisor" / "fleet.sqlite"


def judge_version(folders: Iterable[str | Path] = ()) -> str:
    """Return what changes when the same log could be judged otherwise: our version, and every rule."""
    made = hashlib.blake2b(__version__.encode(), digest_size=8)
    for folder in (shipped_rules(), *map(Path, folders)):
        for file in rule_files(folder):
            made.update(file.read_bytes())
    return made.hexdigest()


class Cache:
    """A table of entries by digest and version; without a file, or where it cannot be used, it remembers nothing."""

    def __init__(self, file: Path | None, version: str) -> None:
        self._version = version
        self._database: sqlite3.Connection | None = None
        if file is not None:
            with suppress(OSError, sqlite3.Error):
                file.parent.mkdir(parents=True, exist_ok=True)
                self._database = sqlite3.connect(file, timeout=10)
                self._database.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, entry TEXT)")

    def get(self, digest: str, address: str) -> Entry | None:
        """Return what was judged of a log with this content, None where it is new."""
        if self._database is None:
            return None
        with suppress(sqlite3.Error, ValueError, TypeError):
            row = self._database.execute("SELECT entry FROM entries WHERE key = ?", (self._key(digest),)).fetchone()
            return Entry(**{**json.loads(row[0]), "address": address}) if row else None
        return None

    def put(self, entry: Entry) -> None:
        """Keep an entry at once, so that a run that is stopped goes on where it was."""
        if self._database is not None and entry.digest:
            with suppress(sqlite3.Error), self._database:
                values = self._key(entry.digest), json.dumps(entry.plain())
                self._database.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", values)

    def close(self) -> None:
        """Close the file."""
        if self._database is not None:
            self._database.close()

    def _key(self, digest: str) -> str:
        return f"{self._version}:{digest}"
