"""Dumps of PyTorch's flight recorder: what each rank of a training that hangs was waiting for."""

from pathlib import Path

from trainadvisor.errors import LogError
from trainadvisor.importers.table import Table

NAME = "flight recorder of PyTorch"
RANK = 0


def matches(head: bytes, path: Path) -> bool:
    """Return whether a file starts as a dump, a pickle or JSON, and holds what a dump holds."""
    if head[:1] not in (b"\x80", b"{") or b"pg_config" not in head:
        return False
    from trainadvisor.importers import flight_recorder

    return flight_recorder.NAME.search(path.name) is not None


def matches_folder(folder: Path) -> bool:
    """Return whether a folder holds dumps."""
    from trainadvisor.importers import flight_recorder

    return bool(flight_recorder.dumps_in(folder))


def read(path: Path) -> Table:
    """Return a table without rows, with what holds the training up; the dumps of the other ranks lie beside."""
    from trainadvisor.importers import flight_recorder

    folder = path if path.is_dir() else path.parent
    table = Table(NAME, (), may_be_empty=True)
    table.error = flight_recorder.stalled(folder)
    if table.error is None:
        raise LogError(f"{path}: no collective operation is waited for in these dumps of the flight recorder")
    return table
