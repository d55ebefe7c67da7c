"""The recorded files of other writers, and what their writers were given."""

import gzip
from pathlib import Path

from importers.make_fixtures import HERE, STEPS, truth

__all__ = ["STEPS", "one", "truth", "unpacked"]


def one(kind: str, pattern: str) -> Path:
    """Return the only recorded file of a kind that has such a name."""
    (path,) = (HERE / kind).rglob(pattern)
    return path


def unpacked(kind: str, pattern: str, folder: Path) -> Path:
    """Return a recorded file that is kept packed, unpacked into a folder."""
    packed = one(kind, pattern)
    path = folder / packed.stem
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path
