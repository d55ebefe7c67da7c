"""`trainadvisor config show`: the settings that hold here and where each comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.config import Config


@click.group("config")
def command() -> None:
    """Show the settings of [tool.trainadvisor] in the nearest pyproject.toml."""


@command.command("show")
def show() -> None:
    """Print every setting that holds here and where it comes from."""
    from trainadvisor import config
    from trainadvisor.commands.common import emit

    settings = config.load()
    rows = [_lang(settings), *_tables(settings)]
    width = max(len(f"{key} = {value}") for key, value, _ in rows)
    for key, value, source in rows:
        setting = f"{key} = {value}"
        emit(f"{setting:<{width}}   {source}")


def _lang(settings: Config) -> tuple[str, str, str]:
    from trainadvisor.language import choose

    lang = f'"{choose(None, settings.lang)}"'
    if os.environ.get("TRAINADVISOR_LANG"):
        return "lang", lang, "environment variable TRAINADVISOR_LANG"
    if settings.lang not in (None, "auto"):
        return "lang", lang, str(settings.source)
    return "lang", lang, "the locale"


def _tables(settings: Config) -> Iterator[tuple[str, str, str]]:
    source = str(settings.source)
    rules = [str(folder) for folder in settings.rules]
    yield "rules", str(rules), source if rules else "default"
    for code, reason in settings.off.items():
        yield f"off.{code}", f'"{reason}"', source
    for code, values in settings.thresholds.items():
        for name, value in values.items():
            yield f"thresholds.{code}.{name}", str(value), source
