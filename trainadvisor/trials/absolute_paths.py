"""Finds files that refer to the project's folder by absolute path, through which a script would escape its copy."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.trials.survey import Survey

CODE = frozenset({".py", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".env"})
MOST_BYTES = 2**18
MOST_FILES = 500


def naming(survey: Survey) -> list[Path]:
    """Return the code and settings files that contain the path of a copied folder."""
    known = [item for item in survey.items if item.kind == "file" and item.source.suffix in CODE]
    small = [item.source for item in known if item.size <= MOST_BYTES][:MOST_FILES]
    words = [word.encode() for folder in survey.folders for word in _spelled(folder)]
    return [path for path in small if any(word in _content(path) for word in words)]


def _spelled(folder: Path) -> Iterator[str]:
    """Yield the spellings of a folder's path; the root and home folders are too common in texts to count."""
    home = Path.home()
    if folder not in (home, Path(folder.anchor)):
        yield str(folder)
        if folder.is_relative_to(home):
            yield f"~/{folder.relative_to(home)}"


def _content(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
