"""Copies single files, sharing blocks where the file system supports it (btrfs, xfs), else byte by byte."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

# Linux ioctl that makes a file share the blocks of another; writing to either leaves the other unchanged.
FICLONE = 0x40049409


def copy_file(source: Path, target: Path) -> None:
    """Copy a file with its mode and times."""
    if clone(source, target):
        shutil.copystat(source, target)
    else:
        shutil.copy2(source, target)


def clone(source: Path, target: Path) -> bool:
    """Create a file that shares the blocks of another; return whether the file system supports it."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        with source.open("rb") as read, target.open("wb") as write:
            fcntl.ioctl(write.fileno(), FICLONE, read.fileno())
    except OSError:
        return False
    return True


def sharing(folder: Path, root: Path) -> int | None:
    """Return the device of a folder whose files can be cloned below `root`, None if they cannot."""
    sample = next((path for path in _files(folder) if os.access(path, os.R_OK)), None)
    if sample is None:
        return None
    with tempfile.TemporaryDirectory(dir=root) as made:
        return sample.stat().st_dev if clone(sample, Path(made) / "sample") else None


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file() and not path.is_symlink() and path.stat().st_size]
    except OSError:
        return []
