"""`trainadvisor config show`: the settings that hold here and where each comes from."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainadvisor.commands.common import lang_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trainadvisor.configuration import Config

MISTAKES = 2
Row = tuple[str, str, str]
DEFAULT, LOCALE, VARIABLE = "default", "the locale", "environment variable TRAINADVISOR_LANG"
# Sources that are no file, by their texts.
OWN = {DEFAULT: "config.default", LOCALE: "config.locale", VARIABLE: "config.variable"}
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
@lang_option
def show(*, lang: str | None) -> None:
    """Print every setting that holds here and where it comes from."""
    from trainadvisor import configuration
    from trainadvisor.i18n.language import Words, choose
    from trainadvisor.report.text.terminal import emit

    settings = configuration.load()
    words = Words(choose(lang, settings.lang))
    rows = [_lang(settings), *_entries(settings)]
    width = max(len(f"{key} = {value}") for key, value, _ in rows)
    for key, value, source in rows:
        setting = f"{key} = {value}"
        emit(f"{setting:<{width}}   {words(OWN[source]) if source in OWN else source}")


@command.command("check")
@lang_option
def check(*, lang: str | None) -> None:
    """Check the settings that hold here, rule folders and codes included; prints nothing when all is well.

    Every mistake is a line of its own, with file and line.
    """
    from trainadvisor import configuration, settings_mistakes
    from trainadvisor.commands.common import language
    from trainadvisor.gate import policy
    from trainadvisor.i18n.told_errors import told
    from trainadvisor.judge.rule_loading import load

    def fits(settings: Config) -> None:
        book = load(settings.rules).configured(settings)
        policy.policy(policy.Wanted(), settings, book)
        policy.place(policy.Wanted(), settings)

    if found := settings_mistakes.mistakes(fits):
        chosen = _told_language(language, lang)
        for message in found:
            click.echo(f"trainadvisor: {told(message, chosen)}", err=True)
        sys.exit(MISTAKES)
    fits(configuration.load())


def _told_language(language: Callable[[str | None], str], lang: str | None) -> str:
    """Return the language of the messages; where the settings cannot be read, that of the environment."""
    from trainadvisor.errors import ConfigError
    from trainadvisor.i18n.language import choose

    try:
        return language(lang)
    except ConfigError:
        return choose(lang)


def _lang(settings: Config) -> Row:
    from trainadvisor.i18n.language import choose

    lang = f'"{choose(None, settings.lang)}"'
    if os.environ.get("TRAINADVISOR_LANG"):
        return "lang", lang, VARIABLE
    if settings.lang not in (None, "auto"):
        return "lang", lang, settings.entries["lang"][1]
    return "lang", lang, LOCALE


def _entries(settings: Config) -> Iterator[Row]:
    """Yield defaults that nothing has changed, then what was set."""
    folders, source = settings.entries.get("rule-folders", ((), DEFAULT))
    yield "rules", str([str(folder) for folder in folders]), source
    for name, default in DEFAULTS.items():
        if name not in settings.entries:
            yield name, default, DEFAULT
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
