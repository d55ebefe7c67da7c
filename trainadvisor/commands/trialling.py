"""What `verify` and `preflight` share: the options about scratch copies, and what is said of them before a run."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainadvisor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.i18n.language import Words
    from trainadvisor.trials.survey import Choice, Survey

MOST_NAMED = 5


def copy_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say how the folder is copied."""
    added = (
        click.option("--in-place", is_flag=True, help="Run in this folder itself, not in scratch copies of it."),
        click.option(
            "--link",
            "links",
            multiple=True,
            metavar="NAME",
            help="Share this entry of the folder with the runs instead of copying it: they can change it.",
        ),
        click.option(
            "--copy-limit",
            metavar="SIZE",
            help="What each run may copy, such as 4GB; beyond, nothing is run. Default: 1GB.",
        ),
    )
    for option in reversed(added):
        command = option(command)
    return command


def choice(links: tuple[str, ...], copy_limit: str | None, *, in_place: bool) -> Choice:
    """Return what the options allow; UsageError where they contradict each other."""
    from trainadvisor.trials.copy_limits import size
    from trainadvisor.trials.survey import MOST_BYTES, Choice

    if in_place and (links or copy_limit):
        option = f"--link {links[0]}" if links else f"--copy-limit {copy_limit}"
        message = f"{option}: has no meaning with --in-place, which copies nothing; leave one out"
        raise UsageError(message)
    return Choice(links, size(copy_limit) if copy_limit else MOST_BYTES)


def look(script: Path | None, allowed: Choice, words: Words, runs: int = 1) -> None:
    """Refuse what is too large to be copied, and say once what the copies do not keep apart."""
    from trainadvisor.i18n.language import ours
    from trainadvisor.report.text.terminal import emit
    from trainadvisor.trials import copy_limits
    from trainadvisor.trials.cloning import sharing
    from trainadvisor.trials.survey import Survey

    working, root = Path.cwd().resolve(), Path(tempfile.gettempdir())
    survey = Survey(working, script, allowed, None, sharing(working, root))
    copy_limits.check(survey, root, runs)
    for text in _notes(survey, words):
        emit(ours(text, words.lang), sys.stderr)


def _notes(survey: Survey, words: Words) -> list[str]:
    from trainadvisor.trials.absolute_paths import naming

    told = {"copies.linked": survey.linked, "copies.left": survey.left, "copies.absolute": naming(survey)}
    return [words(key, names=_names(survey, paths, words)) for key, paths in told.items() if paths]


def _names(survey: Survey, paths: list[Path], words: Words) -> str:
    """Return the names of some paths, as they are called in this folder."""
    from trainadvisor.report.text.layout import clean

    near = [path.relative_to(survey.working) if path.is_relative_to(survey.working) else path for path in paths]
    more = ["..."] if len(near) > MOST_NAMED else []
    return words("clause").join([clean(str(path)) for path in near[:MOST_NAMED]] + more)
