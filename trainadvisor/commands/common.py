"""What several commands share: their options, the language, where the text goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any

    from trainadvisor.judge.rulebook import Rulebook

lang_option = click.option(
    "--lang", metavar="en|zh", help="Language; default: TRAINADVISOR_LANG, pyproject.toml, the locale."
)
# For commands that print names only: their help and errors are in the language all the same.
spoken_option = click.option("--lang", metavar="en|zh", expose_value=False, help="Language of help and errors.")
rules_option = click.option(
    "--rules", "folders", multiple=True, metavar="DIR", help="A folder with more rules; may be repeated."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
color_option = click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Default: on a terminal only."
)

# The forms in which faults of sources are written.
SOURCE_FORMS = ("text", "json", "jsonl", "sarif", "github", "gitlab", "junit", "markdown")


def hint_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what the user can say of a log that another tool wrote."""
    for option in reversed(HINTS):
        command = option(command)
    return command


HINTS = (
    click.option("--run", type=click.IntRange(1), metavar="N", help="Of several runs in another tool's log, the N-th."),
    click.option("--classes", type=click.IntRange(2), metavar="K", help="How many classes the model tells apart."),
    click.option(
        "--loss", metavar="KIND", help="The kind of the loss, such as cross-entropy, where the log does not say."
    ),
)


def language(option: str | None) -> str:
    """Return "en" or "zh"."""
    from trainadvisor import configuration
    from trainadvisor.i18n.language import choose

    return choose(option, configuration.load().lang)


def judging(log: object, lang: str, stage: str = "status.judging") -> AbstractContextManager[object]:
    """Tell a terminal, after a second, that a log is being judged, or another stage that a file goes through."""
    from trainadvisor.i18n.language import Words
    from trainadvisor.status_line import status

    words = Words(lang)
    return status(lambda seconds: f"  {words(stage, log=log, seconds=int(seconds))}", at_once=False)


def staged(lang: str, stage: str, **values: object) -> AbstractContextManager[object]:
    """Tell a terminal at once what is going on, while the block runs."""
    from trainadvisor.i18n.language import Words
    from trainadvisor.status_line import status

    words = Words(lang)
    return status(lambda seconds: f"  {words(stage, seconds=int(seconds), **values)}")


def rulebook(folders: Iterable[str | Path] = ()) -> Rulebook:
    """Load our rules, those of the configuration and those of more folders."""
    from trainadvisor.judge.rule_loading import of_project

    return of_project(folders)
