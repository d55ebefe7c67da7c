"""`trainadvisor check LOG...`: the gate for CI, decided by exit code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from trainadvisor.commands.common import color_option, lang_option, rules_option
from trainadvisor.report.formats import CHECK
from trainadvisor.vocabulary import FAIL_ON, SURE_ENOUGH


@click.command("check", short_help="Decide by exit code whether a recorded training is sound.")
@click.argument("logs", nargs=-1, metavar="[LOG]...")
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="The lowest level that fails; default: error.")
@click.option(
    "--min-confidence",
    type=click.Choice(SURE_ENOUGH),
    metavar="possible|likely|certain",
    help="The least sure that fails; default: likely.",
)
@click.option("--select", multiple=True, metavar="CODE|FAMILY", help="Look at these only; may be repeated.")
@click.option("--ignore", multiple=True, metavar="CODE|FAMILY", help="Do not look at these; may be repeated.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Only what is new or worse than in this file fails.")
@click.option("--update-baseline", is_flag=True, help="Write the baseline from these logs instead of judging them.")
@click.option("--require", multiple=True, metavar="METRIC<=NUMBER", help="Such as 'val_loss<=0.3'; may be repeated.")
@click.option("--min-steps", type=click.IntRange(0), help="With fewer steps the gate is undecided.")
@click.option("--max-unchecked", type=click.IntRange(0), help="With more checks unmade the gate is undecided.")
@click.option(
    "--aggregate",
    type=click.Choice(["any", "majority", "all", "median"]),
    default="any",
    show_default=True,
    help="Of several logs, how many have to fail.",
)
@click.option("--allow-undecided", is_flag=True, help="Exit 0 where nothing can be decided.")
@click.option("--exit-zero", is_flag=True, help="Exit 0 where the gate fails.")
@click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="NAME[=FILE]",
    help=f"{', '.join(CHECK)}; may be repeated. Default: text.",
)
@click.option("--max-bytes", metavar="SIZE", help="The most that json may take, such as 256k; details are left out.")
@lang_option
@rules_option
@color_option
def command(*, logs: tuple[str, ...], lang: str | None, folders: tuple[str, ...], **options: Any) -> None:
    """Decide whether the training in LOG is sound: exit 0 passed, 1 failed, 3 cannot tell.

    LOG is a log, a run folder or a run's name; without one the latest log here. Several logs are runs of one training.
    Exit 2 means a mistake in the command, the settings or a log, 4 an internal error of ours.
    """
    from trainadvisor.commands import checking

    sys.exit(checking.run(logs, lang, folders, checking.Options(**options)))
