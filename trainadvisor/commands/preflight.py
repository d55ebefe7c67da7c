"""`trainadvisor preflight train.py`: a verdict on the first steps, before the long run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trainadvisor.commands.common import color_option, lang_option
from trainadvisor.commands.trialling import copy_options
from trainadvisor.errors import UsageError
from trainadvisor.vocabulary import FAIL_ON

# Options that scripts hardly have; one after the script is told.
OURS = ("--budget", "--fail-on", "--plan-batch", "--html", "--no-experiments", "--list")
SETTINGS = {"allow_interspersed_args": False}
FORMS = "text, json, markdown, junit"


@click.command(
    "preflight",
    context_settings=SETTINGS,
    options_metavar="[OPTIONS]",
    short_help="Judge the first steps of an unmodified script: a verdict in a minute.",
)
@click.option("--steps", type=click.IntRange(5), default=60, show_default=True, help="Steps to run as they are.")
@click.option("--budget", default="60s", show_default=True, metavar="TIME", help="For everything, such as 90s or 2m.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    help="The lowest level of a failed check that exits 1; default: error.",
)
@click.option(
    "--experiments/--no-experiments",
    default=True,
    show_default=True,
    help="Also try one batch for ever and a learning-rate range test.",
)
@click.option(
    "--plan-batch",
    type=click.IntRange(1),
    metavar="N",
    help="Tell memory and time for this batch size, and whether it fits.",
)
@click.option(
    "--format",
    "forms",
    multiple=True,
    metavar="NAME[=FILE]",
    help=f"{FORMS}; may be repeated. Default: text.",
)
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Also write a web page.")
@click.option(
    "--folder", type=click.Path(path_type=Path), metavar="DIR", help="Keep logs and outputs of the runs there."
)
@click.option("--list", "listing", is_flag=True, help="Name the active tests, say what each does, and exit.")
@copy_options
@lang_option
@color_option
@click.option("-m", "module", is_flag=True, help="TARGET is a module, as in python -m.")
@click.argument("target", required=False)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(*, target: str | None, args: tuple[str, ...], module: bool, listing: bool, **options: object) -> None:
    """Run the first steps of TARGET (a script, or a module after -m) with its ARGS and judge them.

    The script runs up to five times, each time cut after some steps: as it is, on its first batch only, with a rising
    learning rate, and with half of its batch size. Behind its first steps the model is tested on its first batch
    (--list names the tests). It runs in a copy of this folder, and nothing that it writes there leads back; the network
    and files that it names by absolute paths are its own business. Exit 0 passed, 1 failed, 2 a mistake in the command,
    3 cannot tell, 4 an internal error of ours.
    """
    from trainadvisor.commands import preflighting
    from trainadvisor.commands.common import language
    from trainadvisor.commands.misplaced import check_behind
    from trainadvisor.preflight.first_steps import Script

    if listing:
        preflighting.show_tests(str(options["lang"] or "") or None)
        return
    if target is None:
        message = "a script is missing: trainadvisor preflight train.py"
        raise UsageError(message)
    lang = language(str(options["lang"] or "") or None)
    check_behind("preflight", OURS, args, target, lang, module=module)
    sys.exit(preflighting.run(Script(target, args, module), preflighting.Options(**options)))  # type: ignore[arg-type]
