"""A diagnosis written to a file, in the format of the file's ending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.errors import LogError, UsageError
from trainadvisor.report import as_json, html, markdown, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainadvisor.diagnose.result import Diagnosis

FORMATS: dict[str, Callable[[Diagnosis, str, html.Material | None], str]] = {
    ".html": html.render,
    ".txt": lambda diagnosis, lang, _: text.render(diagnosis, lang, verbose=True),
    ".md": lambda diagnosis, lang, _: markdown.render(diagnosis, lang),
    ".json": lambda diagnosis, _, __: as_json.render(diagnosis),
}


def check(path: Path) -> None:
    """Refuse an ending that stands for no format, and a folder that is not there."""
    if path.suffix not in FORMATS:
        message = f"{path}: no format goes by this ending; use one of {', '.join(FORMATS)}"
        raise UsageError(message)
    if not path.parent.is_dir():
        message = f"{path}: there is no folder {path.parent}; make it first"
        raise UsageError(message)


def write(diagnosis: Diagnosis, path: Path, lang: str, material: html.Material | None = None) -> None:
    """Write the report; `material` is what a web page shows besides; LogError when the file cannot be written."""
    check(path)
    try:
        path.write_text(FORMATS[path.suffix](diagnosis, lang, material) + "\n", encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); choose another place"
        raise LogError(message) from error
