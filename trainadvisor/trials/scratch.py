"""Scratch copies of the folders that a script runs in, so that trials leave no trace in them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 64 * 2**20
"""Bytes that one entry of the folder may have to be copied; a larger one is linked."""
MOST_FILES = 2000
MOST_IN_ALL = 256 * 2**20
LINKED = frozenset({".git", ".hg", ".venv", "venv", "node_modules", "trainadvisor-runs", "site-packages"})
LEFT_OUT = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


@dataclass
class Scratch:
    """A copy of the working folder, and of the script's folder where that lies elsewhere."""

    root: Path
    folders: dict[Path, Path] = field(default_factory=dict)
    """Where each original folder was copied to."""
    linked: list[Path] = field(default_factory=list)
    """What was too large to copy: there a script still writes to the original."""

    def place(self, path: Path) -> Path:
        """Return where a path lies in the copies; a path outside of them stays."""
        for original, copy in self.folders.items():
            if path.is_relative_to(original):
                return copy / path.relative_to(original)
        return path

    def argument(self, text: str) -> str:
        """Return an argument of the script, moved where it is an absolute path into a copied folder."""
        return str(self.place(Path(text))) if os.path.isabs(text) else text  # noqa: PTH117 - text, not a path yet

    def remove(self) -> None:
        """Delete the copies."""
        shutil.rmtree(self.root, ignore_errors=True)


def copy(working: Path, script: Path | None, root: Path) -> Scratch:
    """Copy the working folder below `root`, and the script's folder where it lies elsewhere."""
    scratch = Scratch(root)
    wanted = [working]
    if script is not None and not script.is_relative_to(working):
        wanted.append(script.parent)
    for number, original in enumerate(wanted):
        # the name is kept: places in the code are told by a file and its folder
        target = root / str(number) / original.name
        target.mkdir(parents=True)
        scratch.folders[original] = target
        _fill(original, target, script, scratch, [MOST_IN_ALL])
    return scratch


def _fill(original: Path, target: Path, script: Path | None, scratch: Scratch, room: list[int]) -> None:
    """Copy the entries of a folder; what is large is linked, except on the way to the script."""
    for entry in _entries(original):
        if scratch.root.is_relative_to(entry):
            continue  # the copies themselves
        into, on_the_way = target / entry.name, script is not None and script.is_relative_to(entry)
        if entry.is_dir() and on_the_way and not entry.is_symlink():
            into.mkdir()
            _fill(entry, into, script, scratch, room)
            continue
        size = 0 if on_the_way else _size(entry)
        if entry.name in LINKED or size is None or size > room[0]:
            into.symlink_to(entry.resolve())
            scratch.linked.append(entry)
        else:
            room[0] -= size
            _copy(entry, into)


def _entries(folder: Path) -> Iterator[Path]:
    try:
        listed = sorted(folder.iterdir())
    except OSError:
        return
    yield from (entry for entry in listed if entry.name not in LEFT_OUT)


def _copy(entry: Path, into: Path) -> None:
    try:
        if entry.is_symlink():
            into.symlink_to(entry.resolve())
        elif entry.is_dir():
            shutil.copytree(entry, into, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
        elif entry.is_file():
            shutil.copy2(entry, into)
    except (OSError, shutil.Error):
        return  # what cannot be read here, the script cannot read either


def _size(entry: Path) -> int | None:
    """Return the bytes of a file or folder, None when it is too large to copy."""
    total = 0
    for files, size in enumerate(_files(entry), 1):
        total += size
        if total > MOST_BYTES or files > MOST_FILES:
            return None
    return total


def _files(entry: Path) -> Iterator[int]:
    """Yield the sizes of the files below a path, without following links."""
    if entry.is_symlink() or not entry.is_dir():
        yield _bytes(entry)
        return
    for folder, names, files in os.walk(entry):
        names[:] = [name for name in names if name not in LEFT_OUT]
        yield from (_bytes(Path(folder, file)) for file in files)


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
