"""Writes a changed source: whole or not at all, beside a copy of what it was, never out of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError
from trainadvisor.mending import notebook_files
from trainadvisor.source.reading import plain, read

if TYPE_CHECKING:
    from trainadvisor.source.reading import Source

KEPT = ".orig"


def write(source: Source, text: str, folder: Path | None = None) -> Path | None:
    """Write a changed text to its file and return the copy of the old one, None where git keeps it."""
    path = Path(source.name)
    _check(path, source, (folder or Path.cwd()).resolve())
    path = path.resolve() if path.is_symlink() else path  # the link itself stays
    kept = None if _is_clean(path) else _copy(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(source.written(text))
        shutil.copymode(path, name)
        Path(name).replace(path)
    except (OSError, UnicodeError) as error:
        Path(name).unlink(missing_ok=True)
        raise UsageError(f"{path}: cannot be written ({error}); nothing was changed") from None
    return kept


def _check(path: Path, source: Source, folder: Path) -> None:
    """Raise UsageError where the file is not the one that was read, or not one to be written."""
    if not path.resolve().is_relative_to(folder):
        raise UsageError(f"{path}: is outside of {folder}; change to the folder of the project, and try again")
    if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise UsageError(f"{path}: cannot be written; nothing was changed")
    held = {".py": read, notebook_files.ENDING: notebook_files.read}.get(path.suffix, plain)
    if held(path, source.name).text != source.text:
        raise UsageError(f"{path}: has changed since it was read; nothing was written")


def _copy(path: Path) -> Path:
    """Keep a copy beside the file, under a name that no file has."""
    for number in range(1000):
        kept = path.with_name(f"{path.name}{KEPT}{number or ''}")
        if not kept.exists():
            shutil.copy2(path, kept)
            return kept
    raise UsageError(f"{path}: there are too many copies of it; remove some")


def _is_clean(path: Path) -> bool:
    """Return whether git holds the file as it is."""
    git = shutil.which("git")
    if git is None:
        return False
    command = [git, "-C", str(path.parent), "status", "--porcelain", "--ignored", "--", path.name]
    tracked = [git, "-C", str(path.parent), "ls-files", "--error-unmatch", "--", path.name]
    try:
        status = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603 - git
        known = subprocess.run(tracked, capture_output=True, timeout=10, check=False)  # noqa: S603 - git
    except (OSError, subprocess.SubprocessError):
        return False
    return status.returncode == 0 and known.returncode == 0 and not status.stdout.strip()
