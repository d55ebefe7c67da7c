"""`trainadvisor follow LOG`: a running or finished training, shown as its log grows."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

import click

from trainadvisor.commands.common import lang_option

PAUSE = 0.5


@click.command("follow")
@click.argument("log", required=False)
@click.option(
    "--patience", type=click.IntRange(0), default=600, show_default=True, help="Seconds without a record; 0: for ever."
)
@lang_option
def command(*, log: str | None, patience: int, lang: str | None) -> None:
    """Show step, loss and findings of a training while its log grows, and the verdict at its end.

    LOG is a log, a run folder or a run's name, by default the latest log here; it need not exist yet: `follow` waits
    for it. On a terminal the view is redrawn in place, elsewhere findings are printed as they arise. Ctrl-C ends the
    view, never the training.
    """
    from trainadvisor import configuration
    from trainadvisor.i18n.language import choose
    from trainadvisor.monitor.follow_log import Follower

    settings = configuration.load()
    redraw = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    lang = choose(lang, settings.lang)
    if log is None:
        _await_run(patience, lang)
    Follower(_place(log), lang, settings, patience=patience, stream=sys.stdout, redraw=redraw).run()


def _await_run(patience: float, lang: str) -> None:
    """Wait until a run has begun here, and say so; not for ever, where a patience is given."""
    from trainadvisor.commands.runs import latest
    from trainadvisor.i18n.language import say

    if latest() is not None:
        return
    click.echo(say("follow.no-run", lang), err=True)
    end = time.monotonic() + (patience or math.inf)
    while latest() is None and time.monotonic() < end:
        time.sleep(PAUSE)


def _place(log: str | None) -> Path:
    """Return the log; one that is to come has a folder already."""
    from trainadvisor.commands.runs import find
    from trainadvisor.errors import LogError

    try:
        return find(log)
    except LogError:
        path = Path(log or "")
        if log is None or path.suffix not in (".json", ".gz", ".zst") or not path.parent.is_dir():
            raise
        return path
