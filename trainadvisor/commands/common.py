"""What several commands share: their options, the language, where the text goes."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trainadvisor.judge.rulebook import Rulebook

NARROWEST, WIDEST = 60, 100

lang_option = click.option(
    "--lang", metavar="en|zh", help="Language; default: TRAINADVISOR_LANG, pyproject.toml, the locale."
)
rules_option = click.option(
    "--rules", "folders", multiple=True, metavar="DIR", help="A folder with more rules; may be repeated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
color_option = click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: on a terminal only."
)


def language(option: str | None) -> str:
    """Return "en" or "zh"."""
    from trainadvisor import configuration
    from trainadvisor.i18n.language import choose

    return choose(option, configuration.load().lang)


def rulebook(folders: Iterable[str | Path] = ()) -> Rulebook:
    """Load our rules, those of the configuration and those of more folders."""
    from trainadvisor import configuration
    from trainadvisor.judge.rulebook import load

    return load([*configuration.load().rules, *folders])


def emit(text: str, stream: TextIO | None = None) -> None:
    """Write text and a newline, with a question mark for what the terminal's encoding lacks."""
    stream = stream or sys.stdout
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def width(stream: TextIO | None = None) -> int:
    """Return the columns to fill: those of the terminal, at most 100 where there is none."""
    if (stream or sys.stdout).isatty():
        return max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    columns = os.environ.get("COLUMNS", "")
    return min(max(int(columns), NARROWEST), WIDEST) if columns.isdecimal() else WIDEST


def coloured(choice: str, stream: TextIO | None = None) -> bool:
    """Say whether to use colour."""
    if choice != "auto":
        return choice == "always"
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
