"""Files of a project that name its own folder by an absolute path: what a script writes there is written there."""

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
    """Return the files of code and settings in which one of the copied folders is named."""
    known = [item for item in survey.items if item.kind == "file" and item.source.suffix in CODE]
    small = [item.source for item in known if item.size <= MOST_BYTES][:MOST_FILES]
    words = [word.encode() for folder in survey.folders for word in _spelled(folder)]
    return [path for path in small if any(word in _content(path) for word in words)]


def _spelled(folder: Path) -> Iterator[str]:
    """Yield how a folder is written; the root and a home folder alone are in too many texts to mean it."""
    home = Path.home()
    if folder not in (home, Path(folder.anchor)):
        yield str(folder)
        if folder.is_relative_to(home):
            yield f"~/{folder.relative_to(home)}"


def _content(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""
