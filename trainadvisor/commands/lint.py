"""`trainadvisor lint PATH...`: faults that a script shows without being run."""

from __future__ import annotations

import sys
from typing import Any

import click

from trainadvisor.commands.common import SOURCE_FORMS, color_option, lang_option, rules_option
from trainadvisor.vocabulary import FAIL_ON


@click.command("lint", short_help="Find faults that training scripts show without being run.")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option(
    "--fail-on", type=click.Choice(FAIL_ON), default="warning", show_default=True, help="The lowest level that fails."
)
@click.option("--select", multiple=True, metavar="CODE|FAMILY", help="Look at these only; may be repeated.")
@click.option("--ignore", multiple=True, metavar="CODE|FAMILY", help="Do not look at these; may be repeated.")
@click.option("--fix", is_flag=True, help="Show the changes that mend what was found, and write them on request.")
@click.option("--yes", is_flag=True, help="With --fix: write the changes without asking.")
@click.option("--dry-run", is_flag=True, help="With --fix: show the changes only.")
@click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="NAME[=FILE]",
    help=f"{', '.join(SOURCE_FORMS)}; may be repeated. Default: text.",
)
@lang_option
@rules_option
@color_option
def command(*, paths: tuple[str, ...], lang: str | None, folders: tuple[str, ...], **options: Any) -> None:
    """Find faults in training scripts whose source alone shows them: exit 0 none, 1 found, 3 a file cannot be read.

    PATH is a file or a folder, by default this one. Nothing is run and torch is not imported. A comment
    `# trainadvisor: ignore[CODE]` on the line leaves a finding out. Exit 2 means a mistake in the command or the
    settings, 4 an internal error of ours.
    """
    from trainadvisor.commands import linting

    sys.exit(linting.run(paths, lang, folders, linting.Options(**options)))
