"""`trainadvisor verify train.py`: remedies tried in short paired re-runs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trainadvisor.commands.common import color_option, lang_option
from trainadvisor.commands.trialling import copy_options
from trainadvisor.verify.earlier import USUAL

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis

# Options that scripts hardly have; one after the script is told.
OURS = (
    "--budget",
    "--seeds",
    "--code",
    "--fix",
    "--report",
    "--apply-to",
    "--in-place",
    "--yes-run",
    "--engine",
    "--jobs",
)
SETTINGS = {"allow_interspersed_args": False}


@click.command(
    "verify",
    context_settings=SETTINGS,
    options_metavar="[OPTIONS]",
    short_help="Try the remedies in short re-runs and say which one worked.",
)
@click.option("--budget", default="2m", show_default=True, metavar="90s|2m|1h", help="Wall time for everything.")
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Pairs of runs for the best remedy."
)
@click.option("--code", metavar="CODE", help="Try the remedies of this finding only.")
@click.option("--fix", metavar="CODE", help="Try the first remedy of this finding only.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=USUAL,
    show_default=True,
    help="Everything, as JSON.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Also write a .html, .txt, .md or .json report.")
@click.option("--apply-to", type=click.Path(path_type=Path), metavar="FILE", help="Write the script with the remedy.")
@click.option("--overwrite", is_flag=True, help="With --apply-to: also over a file that differs from the script.")
@copy_options
@click.option("--yes-run", is_flag=True, help="With a log as TARGET: run the script that it names, with its arguments.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Where to run.")
@click.option("--jobs", type=click.IntRange(1), help="Runs at a time; default: half the cores.")
@click.option("--gpus", type=click.FloatRange(0), default=0.0, help="On Ray: the share of a GPU for each run.")
@lang_option
@color_option
@click.option("-m", "module", is_flag=True, help="TARGET is a module, as in python -m.")
@click.argument("target")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(*, target: str, args: tuple[str, ...], lang: str | None, color: str, **options: Any) -> None:
    """Run TARGET (a script, a module after -m, or a log that names one), then again with each promising remedy.

    The remedies are applied from outside; the script is not changed. It runs in scratch copies of the working folder
    unless --in-place, and nothing that it writes there leads back; what it does in a network or outside its folder is
    its own business. A log only names a script: --yes-run runs what it names. Exit 0: a remedy is verified, or there is
    nothing to cure; 1: none helped; 2: a mistake in the command; 3: the run cannot be judged.
    """
    from trainadvisor.commands import applying, verifying
    from trainadvisor.commands.common import language
    from trainadvisor.commands.misplaced import check_behind
    from trainadvisor.i18n.language import Words, ours
    from trainadvisor.report.text.terminal import colored, emit, width
    from trainadvisor.report.text.verification import render
    from trainadvisor.verify.answer import document
    from trainadvisor.verify.verify_result import as_json

    chosen = language(lang)
    check_behind("verify", OURS, args, target, chosen, module=options["module"])
    session = _session(target, args, options, chosen)
    source = applying.source_of(session.request)
    verifying.end_politely()
    session.run()
    found = document(session, source)
    verifying.save(as_json(found), options["out"])
    words = Words(chosen)
    emit(render(found, words, width=width(), color=colored(color)))
    emit(ours(words("verify.written", path=options["out"]), chosen), sys.stderr)
    path = options["apply_to"]
    applied = path is not None and applying.apply(session, source, path, words, overwrite=options["overwrite"])
    if not applied and (told := verifying.next_command(session, found, options["out"])):
        emit(words("verify.next", command=told))
    if options["report"] is not None:
        verifying.write_report(session, found, options["report"], session.config)
    session.engine.close()
    sys.exit(verifying.EXITS[found.answer])


def _named(
    target: str, args: tuple[str, ...], options: dict[str, Any], settings: Config, lang: str
) -> tuple[str, tuple[str, ...], Diagnosis | None]:
    """Return the script and its arguments, and the diagnosis of the log where a log was given in place of them."""
    from trainadvisor.commands import fromlog, verifying
    from trainadvisor.commands.runs import find
    from trainadvisor.errors import UsageError
    from trainadvisor.i18n.language import ours, say
    from trainadvisor.importers.foreign_logs import is_own
    from trainadvisor.importers.formats import refused
    from trainadvisor.importers.opening import head
    from trainadvisor.log.reader import read_log
    from trainadvisor.report.text.terminal import emit
    from trainadvisor.telling import diagnose

    if options["module"] or not verifying.is_log(target):
        if options["yes_run"]:
            raise UsageError(f"--yes-run: {target} is no log; it is run as it is named")
        return target, args, None
    path = find(target)
    if path.is_file() and (written := refused.own(head(path))) is not None:
        raise UsageError(f"{target}: {written}")
    if not is_own(path):
        raise UsageError(
            f"{target}: is the log of another tool and names no script; verify takes a script: verify train.py"
        )
    log = read_log(path)
    words = fromlog.command(path, log, args, allowed=options["yes_run"])
    command_line = fromlog.shown(path, ["python", *words])
    emit(ours(say("verify.from-log", lang, command=command_line), lang), sys.stderr)
    return words[0], tuple(words[1:]), diagnose(log, lang=lang, config=settings)


def _session(target: str, args: tuple[str, ...], options: dict[str, Any], lang: str) -> Any:
    """Return the session as the options describe it; mistakes are told before anything runs."""
    from trainadvisor import configuration
    from trainadvisor.commands import applying, trialling, verifying
    from trainadvisor.i18n.language import Words
    from trainadvisor.trials.budget import Budget, seconds
    from trainadvisor.trials.child_process import Setting, script_of
    from trainadvisor.trials.engines import engine
    from trainadvisor.verify.session import Request, Session

    settings, module = configuration.load(), options["module"]
    target, args, prior = _named(target, args, options, settings, lang)
    request = Request(target, args, module, options["seeds"], options["code"], options["fix"], prior)
    verifying.check(request, options["out"], options["report"], options["apply_to"])
    applying.check_applied(request, options["apply_to"], overwrite=options["overwrite"])
    verifying.check_code(options["code"] or options["fix"])
    budget = Budget(seconds(options["budget"]))
    # the number tells two that are started in one second apart
    logs = Path("trainadvisor-runs") / f"verify-{time.strftime('%m%d-%H%M%S')}-{os.getpid()}"
    setting = Setting(
        Path.cwd().resolve(),
        logs.resolve(),
        in_place=options["in_place"],
        choice=trialling.choice(options["links"], options["copy_limit"], in_place=options["in_place"]),
    )
    printed = verifying.Printed(Words(lang), in_place=options["in_place"])
    chosen = engine(options["engine"], options["jobs"], options["gpus"])
    if not setting.in_place:
        trialling.look(script_of(request, setting.working), setting.choice, Words(lang), chosen.slots)
    return Session(
        request,
        budget,
        chosen,
        setting,
        settings,
        printed,
        verifying.refusal,
        lang,
    )
