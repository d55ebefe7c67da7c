"""`trainadvisor config show`: the settings that hold here and where each comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.configuration import Config

Row = tuple[str, str, str]
DEFAULTS = {
    "fail-on": '"error"',
    "min-confidence": '"likely"',
    "min-steps": "0",
    "record.every": "10",
    "record.max-overhead": '"1 %"',
}


@click.group("config")
def command() -> None:
    """Show the settings of [tool.trainadvisor] in the nearest pyproject.toml."""


@command.command("show")
def show() -> None:
    """Print every setting that holds here and where it comes from."""
    from trainadvisor import configuration
    from trainadvisor.report.text.terminal import emit

    settings = configuration.load()
    rows = [_lang(settings), *_entries(settings)]
    width = max(len(f"{key} = {value}") for key, value, _ in rows)
    for key, value, source in rows:
        setting = f"{key} = {value}"
        emit(f"{setting:<{width}}   {source}")


@command.command("check")
def check() -> None:
    """Check the settings that hold here, rule folders and codes included; prints nothing when all is well."""
    from trainadvisor import configuration
    from trainadvisor.commands.common import rulebook
    from trainadvisor.gate import policy

    settings = configuration.load()
    rulebook().configured(settings)
    policy.place(policy.Wanted(), settings)


def _lang(settings: Config) -> Row:
    from trainadvisor.i18n.language import choose

    lang = f'"{choose(None, settings.lang)}"'
    if os.environ.get("TRAINADVISOR_LANG"):
        return "lang", lang, "environment variable TRAINADVISOR_LANG"
    if settings.lang not in (None, "auto"):
        return "lang", lang, settings.entries["lang"][1]
    return "lang", lang, "the locale"


def _entries(settings: Config) -> Iterator[Row]:
    """Yield defaults that nothing has changed, then what was set."""
    folders, source = settings.entries.get("rule-folders", ((), "default"))
    yield "rules", str([str(folder) for folder in folders]), source
    for name, default in DEFAULTS.items():
        if name not in settings.entries:
            yield name, default, "default"
    for name, (value, origin) in settings.entries.items():
        if name not in ("lang", "rule-folders"):
            yield name, _shown(value), origin


def _shown(value: Any) -> str:
    """Return a value as one would write it."""
    from trainadvisor.requirements import Requirement
    from trainadvisor.settings import Accepted

    if isinstance(value, Requirement):
        return f'"{value.text}"'
    if isinstance(value, Accepted):
        return f'"{value.reason}"' + (f" until {value.until}" if value.until else "")
    if isinstance(value, tuple):
        return str(list(value))
    return f'"{value}"' if isinstance(value, str | Path) else str(value)
