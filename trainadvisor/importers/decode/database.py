"""SQLite files of other programs, opened so that reading changes nothing and ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import LogError

if TYPE_CHECKING:
    import sqlite3

MAGIC = b"SQLite format 3\0"
MOST_SECONDS = 60.0
LONGEST_VALUE = 16 << 20
STEPS_BETWEEN_LOOKS = 1_000_000


@contextmanager
def database(path: Path) -> "Iterator[sqlite3.Connection]":
    """Open a database to read from it; LogError where it is damaged or takes too long."""
    import sqlite3

    connection = _connected(path)
    ends = time.monotonic() + MOST_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS_BETWEEN_LOOKS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
    connection.text_factory = lambda words: words.decode(errors="replace")
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        yield connection
    except damage() as error:
        raise LogError(
            f"{path}: the database cannot be read ({error}); copy it again from where it was made"
        ) from error
    finally:
        connection.close()


def damage() -> tuple[type[Exception], ...]:
    """Return what a damaged file raises: of a schema, what Python cannot decode to say so."""
    import sqlite3

    return (sqlite3.Error, UnicodeDecodeError)


def _connected(path: Path) -> "sqlite3.Connection":
    """Connect read-only; a database whose folder is read-only as well is taken as one that nobody changes."""
    import sqlite3

    place = path.absolute().as_uri()
    for how in ("mode=ro", "mode=ro&immutable=1"):
        connection = None
        try:
            connection = sqlite3.connect(f"{place}?{how}", uri=True, timeout=5.0)
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except damage() as error:
            reason = error
            if connection is not None:
                connection.close()
        else:
            return connection
    raise LogError(_unreadable(path, reason))


def _unreadable(path: Path, error: Exception) -> str:
    return f"{path}: the database cannot be read ({' '.join(str(error).split())}); copy it again from where it was made"


def columns(connection: "sqlite3.Connection", table: str) -> set[str]:
    """Return the columns of a real table, none for a view or where there is no such table."""
    kind = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
    if kind is None:
        return set()
    return {str(row[1]) for row in connection.execute("SELECT * FROM pragma_table_info(?)", (table,))}


def rows(connection: "sqlite3.Connection", query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a query one by one."""
    yield from connection.execute(query, values)
