"""`trainadvisor run train.py`: the script as python would run it, watched."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainadvisor.commands.common import lang_option
from trainadvisor.vocabulary import FAIL_ON

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.monitor.alerts import Alerter

# Options that hardly any script has itself.
OURS = ("--report", "--stop-on", "--stop-after", "--notify", "--notify-on", "--on-finding", "--fail-on", "--no-live")
SETTINGS = {"allow_interspersed_args": False}


@click.command(
    "run", context_settings=SETTINGS, options_metavar="[OPTIONS]", short_help="Run an unmodified script, watched."
)
@click.option("--log", type=click.Path(path_type=Path), help="The log; default: trainadvisor-runs/<time>/log.json.")
@click.option("--every", type=click.IntRange(1), help="Record layers every n-th step; default: as cost allows.")
@click.option("--overhead", metavar="SHARE", help="The part of the time that recording may take; default: 1 %.")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Also write the diagnosis to a .html, .txt, .md or .json file."
)
@click.option(
    "--stop-on",
    metavar="error|CODE",
    help="Interrupt the script between two steps, as Ctrl-C would, when such a finding persists: looked for every 50 "
    "steps, as long as that takes no more than 3 s and a twentieth of the time.",
)
@click.option(
    "--stop-after",
    type=click.IntRange(0),
    default=50,
    help="For how many steps since its onset it persists; statistics have to hold for 50 in any case.",
    show_default=True,
)
@click.option(
    "--notify",
    "urls",
    multiple=True,
    metavar="URL|wandb|trackio",
    help="Send findings there, and at the end the verdict: JSON, a Slack or Discord message, an alert of the script's "
    "own run.",
)
@click.option(
    "--notify-on",
    type=click.Choice(["always", "fail"]),
    default="always",
    show_default=True,
    help="When to send the message at the end: always, or where the training is broken or the script fails.",
)
@click.option(
    "--on-finding",
    "hooks",
    multiple=True,
    metavar="COMMAND",
    help="Run for each finding, without a shell: 'cmd {code} {step}'.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="never",
    show_default=True,
    help="Exit 1 on such a finding where the script itself returned 0.",
)
@click.option("--no-args", is_flag=True, help="Keep the arguments of the script out of the log.")
@click.option("--no-source", is_flag=True, help="Keep the source lines of the script out of the log.")
@click.option("--live/--no-live", default=True, help="Print findings while it trains.", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Expand every finding and list every check.")
@lang_option
@click.option("-m", "module", is_flag=True, help="TARGET is a module, as in python -m.")
@click.argument("target")
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def command(
    *,
    target: str,
    args: tuple[str, ...],
    module: bool,
    log: Path | None,
    every: int | None,
    overhead: str | None,
    report: Path | None,
    stop_on: str | None,
    stop_after: int,
    urls: tuple[str, ...],
    notify_on: str,
    hooks: tuple[str, ...],
    fail_on: str,
    no_args: bool,
    no_source: bool,
    live: bool,
    verbose: bool,
    lang: str | None,
) -> Callable[[], int]:
    """Run TARGET (a script, or a module after -m) with its ARGS, record it, and print the diagnosis on stderr.

    The script's output and exit code are what they were. Options of ours come before TARGET. In several processes:
    torchrun --nproc-per-node 2 -m -- trainadvisor run train.py; each writes a log, the first judges them together.
    """
    from trainadvisor import configuration
    from trainadvisor.commands.common import language
    from trainadvisor.commands.misplaced import check_behind
    from trainadvisor.redaction import leave_out

    chosen = language(lang)
    _check(target, stop_on, report, module=module)
    if stop_on:
        _heed_interrupts()
    check_behind("run", OURS, args, target, chosen, module=module)
    leave_out(arguments=no_args, source=no_source)
    alerter = _alerter(urls, hooks, chosen, target, notify_on)
    from trainadvisor.monitor.console import run_script
    from trainadvisor.record.sampling import share_of

    settings = configuration.load()

    # started by `main` when this command is over: the script may use click itself and must not see our context
    return partial(
        run_script,
        target,
        list(args),
        module=module,
        log=log,
        every=every or settings.every,
        overhead=share_of(overhead) if overhead else settings.max_overhead,
        stop_on=stop_on,
        stop_after=stop_after,
        lang=chosen,
        live=live,
        report=report,
        alerter=alerter,
        fail_on=fail_on,
        verbose=verbose,
    )


def _alerter(urls: tuple[str, ...], hooks: tuple[str, ...], lang: str, target: str, notify_on: str) -> Alerter | None:
    """Return who is told of findings, None where nobody asked; a mistake is said before the script starts."""
    if not urls and not hooks:
        return None
    from trainadvisor.monitor.alerts import Alerter

    alerter = Alerter(lang, target, notify_on)
    for url in urls:
        alerter.to_url(url)
    for hook in hooks:
        alerter.to_command(hook)
    return alerter


def _heed_interrupts() -> None:
    """Let an interrupt of ours reach the script where the shell has it ignored: with nohup, or in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _check(target: str, stop_on: str | None, report: Path | None, *, module: bool) -> None:
    """Refuse what cannot work before torch is imported."""
    from trainadvisor.errors import UsageError, did_you_mean

    if not module:
        from trainadvisor.commands.script_targets import check_target

        check_target(target, "run")
    if report is not None:
        from trainadvisor.report import files

        files.check(report)
    if stop_on not in (None, "error", "warning"):
        from trainadvisor.commands.common import rulebook

        codes = list(rulebook().rules)
        if stop_on not in codes:
            message = f"--stop-on {stop_on}: neither error, warning nor a code{did_you_mean(stop_on, codes)}"
            raise UsageError(message)
