"""Plans a scratch copy: every file, folder and link, where it goes, and what is too large."""

from __future__ import annotations

import os
import site
import stat
import sys
import sysconfig
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

# Bytes that one trial may copy unless the user allows more; shared blocks cost nothing.
MOST_BYTES = 10**9
MOST_FILES = 20_000
# Bytes up to which a version history is copied; a larger one is left out, for trainings hardly need it.
HISTORY_BYTES = 64 * 2**20
HISTORY = frozenset({".git", ".hg", ".svn"})
CACHES = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "trainadvisor-runs"})
NOT_OURS = frozenset({"node_modules"})
ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
TEMPORARY = "trainadvisor-"
BLOCK = 4096
# Smaller files directly in the folder are counted under HERE.
SMALL = 2**20
HERE = "."


@dataclass(frozen=True)
class Item:
    """One item to create in the copy."""

    kind: Literal["folder", "file", "link"]
    source: Path
    # Where it goes, below the root of the copies.
    place: Path
    size: int = 0
    # The target of a link.
    target: str = ""


@dataclass
class Entry:
    """An entry of the folder as the user names it, with its size."""

    name: str
    bytes: int = 0
    files: int = 0
    # Whether it is larger still, because the scan stopped early.
    more: bool = False


@dataclass(frozen=True)
class Choice:
    """What the user allows to be copied or shared."""

    # Entries that trials share with the original; writes there change the original.
    links: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES


@dataclass
class Survey:
    """The folders of a script, scanned link by link; no link in the copy leads back to them unless allowed."""

    working: Path
    script: Path | None = None
    choice: Choice = field(default_factory=Choice)
    # Where the copies will be; excluded from them if that is inside the folder.
    root: Path | None = None
    # The device whose file system copies by sharing blocks, so that bytes cost nothing.
    shared: int | None = None
    items: list[Item] = field(default_factory=list)
    # The folders that are copied: the working folder, and the script's if elsewhere.
    folders: list[Path] = field(default_factory=list)
    # Where each folder and link target goes; what is left out keeps its path.
    places: dict[Path, Path] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    left: list[Path] = field(default_factory=list)
    linked: list[Path] = field(default_factory=list)
    _waiting: list[tuple[Path, Path, Entry]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Scan all folders."""
        self._allowed = {Path(os.path.normpath(self.working / name)) for name in self.choice.links}
        for number, original in enumerate(self._wanted()):
            # the name is kept: locations in code are shown as a file and its folder
            place = Path(str(number)) / original.name
            self.places[original] = place
            self.folders.append(original)
            self._waiting.append((original, place, Entry("")))
        while self._waiting:
            self._look(*self._waiting.pop())

    def _wanted(self) -> list[Path]:
        """Return the working folder, and the script's if elsewhere; only the outer one if one contains the other."""
        if self.script is None or self.script.is_relative_to(self.working):
            return [self.working]
        home = self.script.parent
        return [home] if self.working.is_relative_to(home) else [self.working, home]

    def find(self, path: Path) -> Path | None:
        """Return where a real path goes, or None if it is not copied."""
        for folder in (path, *path.parents):
            if folder in self.places:
                place = self.places[folder]
                return None if place.is_absolute() else place / path.relative_to(folder)
        return None

    # -- folders

    def _look(self, folder: Path, place: Path, entry: Entry) -> None:
        """Add the content of one folder."""
        self.items.append(Item("folder", folder, place))
        with suppress(OSError):  # the script cannot list it either
            for name in sorted(os.listdir(folder)):  # noqa: PTH208 - avoids a Path object for each of thousands of names
                if name in CACHES or entry.more:
                    continue
                self._take(folder / name, place / name, entry)

    def _take(self, path: Path, place: Path, entry: Entry) -> None:
        """Add one file, folder or link."""
        try:
            status = path.lstat()
        except OSError:
            return
        entry = self._entry_of(path, status, entry)
        if path in self._allowed:
            self._share(path, place)
        elif stat.S_ISLNK(status.st_mode):
            self._follow(path, place, entry)
        elif stat.S_ISDIR(status.st_mode):
            self._enter(path, place, entry)
        elif stat.S_ISREG(status.st_mode) and path.name not in HISTORY:  # a worktree's .git points git to the original
            self._file(path, place, entry, status)

    def _file(self, path: Path, place: Path, entry: Entry, status: os.stat_result) -> None:
        self._count(entry, 0 if status.st_dev == self.shared else status.st_size)
        self.items.append(Item("file", path, place, status.st_size))

    def _enter(self, path: Path, place: Path, entry: Entry) -> None:
        if path in self.places:
            if not self.places[path].is_absolute():
                self._link(path, place, self.places[path])
        elif self._is_ours(path):
            self.places[path] = path
        elif self._is_left(path):
            self.places[path] = path
            self.left.append(path)
        else:
            self._count(entry)
            self._waiting.append((path, place, entry))

    def _is_ours(self, path: Path) -> bool:
        """Return whether a folder holds the copies themselves, or those of another trial."""
        ours = path.name.startswith(TEMPORARY) and path.parent == Path(tempfile.gettempdir()).resolve()
        return ours or path == self.root

    def _is_left(self, path: Path) -> bool:
        """Return whether a folder is skipped: an environment, or a version history too large to copy."""
        return is_environment(path) or (path.name in HISTORY and _bytes_below(path) > HISTORY_BYTES)

    def _entry_of(self, path: Path, status: os.stat_result, entry: Entry) -> Entry:
        """Return the entry that a path is counted under: the first one down that does not contain the script."""
        if entry.name or (self.script is not None and self.script.is_relative_to(path) and path != self.script):
            return entry
        small = stat.S_ISREG(status.st_mode) and status.st_size < SMALL
        name = str(path.relative_to(self.working)) if path.is_relative_to(self.working) else str(path)
        return self.entries.setdefault(HERE if small else name, Entry(HERE if small else name))

    def _count(self, entry: Entry, size: int = 0) -> None:
        entry.files += 1
        entry.bytes += size
        entry.more = entry.more or entry.files > MOST_FILES or entry.bytes > self.choice.most_bytes

    # -- links

    def _share(self, path: Path, place: Path) -> None:
        real = path.resolve()
        self.items.append(Item("link", path, place, target=str(real)))
        self.linked.append(path)

    def _link(self, path: Path, place: Path, target: Path) -> None:
        """Add a link that stays within the copies."""
        self.items.append(Item("link", path, place, target=os.path.relpath(target, place.parent)))

    def _follow(self, path: Path, place: Path, entry: Entry) -> None:
        """Resolve a link: a target inside the copies is linked, the content of any other target is copied."""
        real = Path(os.path.realpath(path))
        inside = self.find(_next(path)) or self.find(real)
        if inside is not None:
            self._count(entry)
            self._link(path, place, inside)
        elif real.is_file():
            self.places[real] = place
            self._file(real, place, entry, real.stat())
        elif real.is_dir() and not self._is_ours(real) and not self._is_left(real):
            self.places[real] = place
            self._count(entry)
            self._waiting.append((real, place, entry))
        # a broken link or one to a device is left out: writing there makes a new file in the copy


def _next(link: Path) -> Path:
    """Return the target of a link, one step further, in its real folder."""
    target = Path(os.path.realpath(link.parent)) / link.readlink()
    if target.name in ("", ".."):
        return Path(os.path.realpath(link))
    return Path(os.path.realpath(target.parent)) / target.name


def is_environment(folder: Path) -> bool:
    """Return whether a folder holds a Python environment or packages, which are not part of the project."""
    marked = any((folder / mark).exists() for mark in ENVIRONMENT)
    return marked or folder.name in NOT_OURS or folder in _python_folders()


@cache
def _python_folders() -> frozenset[Path]:
    """Return the folders of the running Python."""
    known = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")]
    return frozenset(Path(path).resolve() for path in (sys.prefix, sys.base_prefix, site.getusersitepackages(), *known))


def _bytes_below(folder: Path) -> int:
    """Return the total bytes of the files below a folder, counted up to the limit that matters."""
    total = 0
    for size in _sizes(folder):
        total += size
        if total > HISTORY_BYTES:
            break
    return total


def _sizes(folder: Path) -> Iterator[int]:
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(parent, name).lstat().st_size + BLOCK
