"""What several commands share: their options, the language, where the text goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trainadvisor.judge.rulebook import Rulebook

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
    from trainadvisor.judge.rule_loading import of_project

    return of_project(folders)
