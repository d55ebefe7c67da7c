"""Tracebacks: what a script printed when it ended, pasted or in the log of a job."""

from pathlib import Path

from trainadvisor.errors import LogError
from trainadvisor.importers.opening import text
from trainadvisor.importers.table import Table

NAME = "traceback"
# After everything that holds figures.
RANK = 9


def matches(head: bytes, path: Path) -> bool:
    """Return whether a text ends with a traceback, or tells that its process was killed."""
    if "\0" in text(head)[:1000] or path.suffix == ".py":
        return False
    from trainadvisor.importers import pasted_failures

    try:
        return pasted_failures.of_file(path) is not None
    except (OSError, LogError):
        return False


def read(path: Path) -> Table:
    """Return a table without rows: the error is read beside it, as for printed lines."""
    del path
    return Table(NAME, (), may_be_empty=True)
