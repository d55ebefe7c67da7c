"""`trainadvisor fix [LOG]`: shows the change of the user's own lines that mends a finding, and writes it on request."""

from __future__ import annotations

import sys
from typing import Any

import click

from trainadvisor.commands.common import lang_option, rules_option


@click.command("fix", short_help="Show the change that mends the first finding, and write it on request.")
@click.argument("log", required=False)
@click.option("--yes", is_flag=True, help="Write the change without asking.")
@click.option("--dry-run", is_flag=True, help="Show the change only.")
@click.option("--all", "every", is_flag=True, help="Mend every finding that can be, not the first one only.")
@click.option("--code", metavar="CODE", help="Mend the finding of this code.")
@lang_option
@rules_option
def command(*, log: str | None, lang: str | None, folders: tuple[str, ...], **options: Any) -> None:
    """Show what to change in the script of LOG, as a diff, and write it after a question.

    LOG is a log, a run folder or a run's name; without one the latest log here. A copy of the script is kept, unless
    git holds it as it is. Exit 0: changed, shown, or nothing to mend; 1: no change is known, or it was refused.
    """
    from trainadvisor.commands import fixing

    sys.exit(fixing.run(log, lang, folders, fixing.Options(**options)))
