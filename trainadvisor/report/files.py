"""A diagnosis written to a file, in the format of the file's ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.errors import LogError, UsageError
from trainadvisor.report import formats

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.report.html.web_page import Material


def check(path: Path) -> None:
    """Refuse an ending that stands for no format, and a folder that is not there."""
    if path.suffix not in formats.ENDINGS:
        message = f"{path}: no format goes by this ending; use one of {', '.join(formats.ENDINGS)}"
        raise UsageError(message)
    if not path.parent.is_dir():
        message = f"{path}: there is no folder {path.parent}; make it first"
        raise UsageError(message)


def write(diagnosis: Diagnosis, path: Path, lang: str, material: Material | None = None) -> None:
    """Write the report; `material` is what a web page shows besides; LogError when the file cannot be written."""
    check(path)
    save(formats.render(formats.ENDINGS[path.suffix], diagnosis, lang, material=material), path)


def save(text: str, path: Path, *, append: bool = False) -> None:
    """Write a text and a newline; LogError when the file cannot be written."""
    try:
        with path.open("a" if append else "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); choose another place"
        raise LogError(message) from error
