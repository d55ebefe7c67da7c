"""A diagnosis written to a file, in the format of the file's ending."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING

from trainadvisor.errors import LogError, UsageError
from trainadvisor.i18n.language import Words
from trainadvisor.report import formats
from trainadvisor.vocabulary import State

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.report.html.web_page import Material

_BEGIN = 1 << 14


@cache
def _ours() -> re.Pattern[str]:
    """Return what every form of ours has near its start: our name, a verdict, or a finding as editors read it."""
    states = "|".join(re.escape(Words(lang)(f"state.{state}")) for lang in ("en", "zh") for state in State)
    return re.compile(
        rf"trainadvisor|^(?:#+ )?(?:{states})|^::(?:error|warning|notice) |: (?:error|warning|note|require)\["
        rf"|^[^\n]*: (?:{states})|^state: (?:{'|'.join(State)})\nsummary: ",
        re.MULTILINE,
    )


def check(path: Path) -> None:
    """Refuse an ending that stands for no format, and a folder that is not there."""
    if path.suffix not in formats.endings():
        tried = "" if path.suffix else f'; did you mean "{path}.html"?'
        message = f"{path}: no format goes by this ending; use one of {', '.join(formats.endings())}{tried}"
        raise UsageError(message)
    if not path.parent.is_dir():
        message = f"{path}: there is no folder {path.parent}; make it first"
        raise UsageError(message)
    spare(path)


def spare(path: Path) -> None:
    """Refuse to replace what is not ours: new and empty files are free, and a report is known by its text."""
    if not path.is_file():
        return
    with suppress(OSError):  # writing it will say what is wrong with it
        with path.open("rb") as file:
            begin = file.read(_BEGIN)
        text = begin.decode("utf-8", "replace")
        if text.strip("[]{} \t\r\n") and not _ours().search(text):
            message = f"{path}: exists and is no report of trainadvisor's; choose another name"
            raise UsageError(message)


def write(
    diagnosis: Diagnosis, path: Path, lang: str, material: Material | None = None, *, private: bool = False
) -> None:
    """Write the report; `material` is what a web page shows besides; LogError when the file cannot be written."""
    check(path)
    save(formats.render(formats.endings()[path.suffix], diagnosis, lang, material=material), path, private=private)


def save(text: str, path: Path, *, append: bool = False, private: bool = False) -> None:
    """Write a text and a newline, a new private file for its owner alone; LogError when it cannot be written."""
    opener = partial(os.open, mode=0o600) if private else None
    try:
        with open(path, "a" if append else "w", encoding="utf-8", opener=opener) as stream:
            stream.write(text + "\n")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); choose another place"
        raise LogError(message) from error
