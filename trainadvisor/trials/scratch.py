"""Scratch copies of the folders that a script runs in; nothing that a trial writes reaches the originals."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from errno import EACCES, ENOENT, EPERM
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import LogError
from trainadvisor.trials import copy_limits
from trainadvisor.trials.cloning import copy_file, sharing
from trainadvisor.trials.survey import Choice, Survey

if TYPE_CHECKING:
    from trainadvisor.trials.survey import Item

# Errors for a file that the script could not have read either, or that has disappeared.
UNREADABLE = frozenset({EACCES, ENOENT, EPERM})


@dataclass
class Scratch:
    """A copy of the working folder, and of the script's folder if that is elsewhere."""

    root: Path
    # Each original folder and its copy, longest path first; what was left out keeps its path.
    folders: dict[Path, Path] = field(default_factory=dict)

    def place(self, path: Path) -> Path:
        """Return the path in the copies; a path outside the copied folders is unchanged."""
        for original, copy in self.folders.items():
            if path.is_relative_to(original):
                return copy / path.relative_to(original)
        return path

    def argument(self, text: str) -> str:
        """Return an argument such as PATH or name=PATH, mapped if it is an absolute path into a copied folder."""
        name, equals, value = text.rpartition("=")
        if not os.path.isabs(value):  # noqa: PTH117 - text, not a path yet
            return text
        for path in (Path(os.path.normpath(value)), Path(os.path.realpath(value))):
            if (moved := self.place(path)) != path:
                return f"{name}{equals}{moved}"
        return text

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the originals and their copies as strings."""
        return tuple((str(original), str(copy)) for original, copy in self.folders.items())


def copy(working: Path, script: Path | None, root: Path, choice: Choice | None = None) -> Scratch:
    """Copy the working folder below `root`, and the script's if elsewhere; raise UsageError when too large."""
    root.mkdir(parents=True, exist_ok=True)
    survey = Survey(working, script, choice or Choice(), root, sharing(working, root))
    copy_limits.check(survey, root)
    for item in survey.items:
        _make(item, root / item.place)
    for item in reversed(survey.items):
        if item.kind == "folder":
            with suppress(OSError):
                shutil.copystat(item.source, root / item.place)
    roots = {original: root / survey.places[original] for original in survey.folders}
    stay = {path: place for path, place in survey.places.items() if place.is_absolute()}
    return Scratch(root, dict(sorted({**stay, **roots}.items(), key=lambda pair: -len(pair[0].parts))))


def _make(item: Item, place: Path) -> None:
    """Create one item of the copy; a full disk is an error, an unreadable file is not."""
    try:
        if item.kind == "folder":
            place.mkdir(parents=True, exist_ok=True)
        elif item.kind == "link":
            place.symlink_to(item.target)
        else:
            copy_file(item.source, place)
    except OSError as error:
        if error.errno not in UNREADABLE:
            message = f"{item.source}: cannot be copied to {place} ({error.strerror}); set TMPDIR to a disk with room"
            raise LogError(message) from error


def remove(root: Path) -> None:
    """Delete copies, including folders that the script made read-only; links are deleted, never followed."""
    shutil.rmtree(root, ignore_errors=True)
    if not root.exists():
        return
    for folder, names, _ in os.walk(root):
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                with suppress(OSError):
                    path.chmod(0o700)
    shutil.rmtree(root, ignore_errors=True)
