"""Where text goes on a terminal: its encoding, its width, whether it shows color."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from trainadvisor.voice import Voice

NARROWEST, WIDEST = 60, 100


def emit(text: str, stream: TextIO | Voice | None = None) -> None:
    """Write text and a newline, with a question mark for what the terminal's encoding lacks."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def width(stream: TextIO | Voice | None = None) -> int:
    """Return the columns to fill: those of the terminal, at most 100 where there is none."""
    if (stream or sys.stdout).isatty():
        return max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    columns = os.environ.get("COLUMNS", "")
    return min(max(int(columns), NARROWEST), WIDEST) if columns.isdecimal() else WIDEST


def colored(choice: str, stream: TextIO | Voice | None = None) -> bool:
    """Return whether to use color."""
    if choice != "auto":
        return choice == "always"
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
