"""`trainadvisor run`: the script, what is told while it trains, and the verdict at its end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor import clocks
from trainadvisor.log import rank_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.mending.written_faults import Fault
    from trainadvisor.monitor.alerts import Alerter
    from trainadvisor.record.run_script import Run

INTERRUPTED = 130
# Where the logs of a folder lie whose name is not given.
RUNS = Path("trainadvisor-runs")


def run_script(
    target: str,
    args: list[str],
    *,
    module: bool,
    log: Path | None,
    every: int | None,
    overhead: float | None,
    stop_on: str | None,
    stop_after: int,
    lang: str,
    live: bool,
    report: Path | None,
    alerter: Alerter | None = None,
    fail_on: str = "never",
    verbose: bool = False,
) -> int:
    """Run a script or module, record it, tell what is found; return the script's exit code (1 when we stopped it)."""
    from trainadvisor.status_line import over

    if os.environ.get("TRAINADVISOR") == "0":
        over()
        return _run_plainly(target, args, module=module)
    rank, processes = rank_logs.of_environment()
    named = RUNS / f"{rank_logs.launched():%m%d-%H%M%S}"
    path = log or (named if processes > 1 else rank_logs.folder_of_its_own(named)) / "log.json"
    own = rank_logs.path_of(path, rank)
    begun = clocks.monotonic()
    with _cancelled(own, lang):
        with _starting(target, lang, told=live and not rank):
            from trainadvisor import configuration
            from trainadvisor.gate.policy import for_script
            from trainadvisor.interruptions import kept_from_ending
            from trainadvisor.monitor.ending import Ending
            from trainadvisor.monitor.watched_script import WatchedScript
            from trainadvisor.record.run_script import Run, harmless
            from trainadvisor.record.sampling import DEFAULT_SHARE
            from trainadvisor.report import files

            if report is not None:
                files.check(report)
            gate, settings = for_script(fail_on), configuration.load()
            found = partial(_written, target, module=module)
            share = overhead or DEFAULT_SHARE
            cadence = every or 10
            run = Run(target, args, module=module, log=own, every=cadence, overhead=share, written=found, read=_merits)
            watched = WatchedScript(run, lang, settings, begun)
        over()
        if not rank:  # the first process speaks for all
            watched.begin(live=live, alerter=alerter, stop_on=stop_on, stop_after=stop_after)
    ending = Ending(run, path, log is not None, report, lang, settings, gate, alerter, processes, verbose)
    atexit.register(_end_as_interrupted, run)  # before the script's own handlers, so that it comes after them
    code = run.execute()
    if rank or os.getpid() != run.pid:  # a child that the script has forked
        return code
    with kept_from_ending():
        with harmless():
            watched.end()
        return ending.tell(code)


def _written(target: str, *, module: bool) -> list[Fault]:
    """Return the faults that stand in the sources of the script."""
    from trainadvisor.instrument.call_sites import shorten
    from trainadvisor.mending.written_faults import written_faults

    main = getattr(sys.modules["__main__"], "__file__", None) if module else os.path.abspath(target)  # noqa: PTH100
    return written_faults(main, shorten, sys.argv)


def _merits(line: str) -> dict[str, dict[str, float]]:
    """Return the figures of merit of a line that the script prints; what reads it is loaded with the first."""
    from trainadvisor.importers.printed_merits import merits

    return merits(line)


@contextmanager
def _cancelled(log: Path, lang: str) -> Iterator[None]:
    """Let an interrupt before the script begins end us in one line, with no log left in which nothing is."""
    try:
        yield
    except KeyboardInterrupt:
        from trainadvisor.i18n.language import ours, say
        from trainadvisor.log.records import PROVISIONAL

        emptied = log.parent.parent == RUNS  # a folder that was made for this run
        with suppress(OSError):  # it may not be there yet
            if f'"{PROVISIONAL}"'.encode() in log.read_bytes():
                log.unlink()
                emptied = True
        if emptied:
            with suppress(OSError):  # what else it holds is another's
                log.parent.rmdir()
        print(ours(say("run.cancelled", lang), lang), file=sys.stderr)
        sys.exit(INTERRUPTED)


def _starting(target: str, lang: str, *, told: bool) -> AbstractContextManager[object]:
    """Tell a terminal at once that the script is about to start."""
    if not told:
        return nullcontext()
    from trainadvisor.i18n.language import Words
    from trainadvisor.status_line import status

    words = Words(lang)
    return status(lambda seconds: f"  {words('status.starting', target=target, seconds=int(seconds))}")


def _end_as_interrupted(run: Run) -> None:
    """End by SIGINT, as python does after a KeyboardInterrupt that nobody caught: the shell looks at that."""
    if isinstance(run.error, KeyboardInterrupt) and not run.stopped and os.name == "posix" and os.getpid() == run.pid:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, None, or an object of the script's
                stream.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def _run_plainly(target: str, args: list[str], *, module: bool) -> int:
    """Switched off: replace this process by the plain script."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *(["-m"] if module else []), target, *args])  # noqa: S606 - the user's command
