"""Watching a training from inside its script: `advisor = trainadvisor.watch(model, optimizer)`."""

import gc
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from trainadvisor.errors import UsageError
from trainadvisor.instrument import call_sites, foreign_optimizers, module_tables, torch_events
from trainadvisor.log.rank_logs import path_of
from trainadvisor.record import process_rank
from trainadvisor.record.sampling import share_of
from trainadvisor.record.watched_recording import WatchedRecording, watchers

if TYPE_CHECKING:
    from pandas import DataFrame

    from trainadvisor.document import Diagnosis
    from trainadvisor.mending.written_faults import Fault
    from trainadvisor.monitor.alerts import Alert, Alerter
    from trainadvisor.monitor.judging_thread import JudgingThread
    from trainadvisor.report.html.notebook_card import Pictures

Models = nn.Module | Iterable[nn.Module]
# Of torch, Keras or fastai.
Optimizers = torch.optim.Optimizer | Iterable[torch.optim.Optimizer] | object | None


class Watcher(WatchedRecording):
    """Records a training and answers for it while it runs; made by `watch`."""

    _alerter: "Alerter | None" = None
    _judging: "JudgingThread | None" = None

    def close(self, reason: str = "closed") -> None:
        """End the recording and complete the log; closing again does nothing."""
        was_open = self.recording
        super().close(reason)
        if was_open and self._judging is not None and self._alerter is not None:
            self._judging.end(final=True)
            self._alerter.close()

    def on(self, level: str, function: "Callable[[Alert], object]") -> None:
        """Call a function with each finding of a level ("error") or a higher one, from a thread beside the training."""
        from trainadvisor.monitor.alerts import Alerter

        self._alerter = self._alerter or Alerter(run=str(self.log))
        self._alerter.to_function(level, function)
        self._judging = self._judging or self._judge_beside(self._alerter)

    def _judge_beside(self, alerter: "Alerter") -> "JudgingThread":
        """Have the log judged while it grows, without touching the training."""
        from trainadvisor.log.growing import GrowingLog
        from trainadvisor.monitor.judging_thread import JudgingThread
        from trainadvisor.monitor.look_pace import LookPace
        from trainadvisor.monitor.running_judge import LogJudge, RunningJudge

        rules = LogJudge(ignore=self.ignore)
        # now, since what a thread reads beside the script may stand at a number that the script closes and opens again
        rules.prepare()
        judge = RunningJudge(GrowingLog(self.log.absolute()), rules, LookPace())
        judge.subscribe(alerter.heed)
        thread = JudgingThread(judge)
        self.subscribe(thread.take)
        return thread

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the verdict so far."""
        return self.diagnose()._repr_html_()

    def _repr_markdown_(self) -> str:
        """Return the same as Markdown."""
        return self.diagnose()._repr_markdown_()

    def live(self, lang: str = "en") -> None:
        """Show the run below the cell of a notebook, renewed about once a second while it trains."""
        from trainadvisor import notebook

        notebook.live(self, lang)

    def report(self, path: str | Path) -> Path:
        """Write the report so far to a .html, .txt, .md or .json file and return its path."""
        return self.diagnose().report(path)

    def show(self, layer: str | None = None) -> "Pictures":
        """Return the curves so far, or those of one layer, as still pictures."""
        return self.diagnose().show(layer)

    def to_frame(self) -> "DataFrame":
        """Return the findings so far as a table; needs pandas."""
        return self.diagnose().to_frame()

    def diagnose(self, lang: str = "en") -> "Diagnosis":
        """Judge what has been recorded so far."""
        from trainadvisor.document import diagnose
        from trainadvisor.log.reader import read_log

        self.flush()
        log = read_log(self.log)
        log.growing = self.recording
        return diagnose(log, lang=lang, ignore=self.ignore)


class _Off(Watcher):
    """What `watch` returns under TRAINADVISOR=0: it records nothing."""

    def __init__(self, log: Path, ignore: frozenset[str]) -> None:
        """Use `watch` instead."""
        self.log, self.ignore, self._open = log, ignore, False

    def subscribe(self, subscriber: Callable[[dict[str, Any]], None]) -> None:
        """Do nothing."""

    def step(self, loss: torch.Tensor | float | None = None) -> None:
        """Do nothing."""

    def epoch(self, number: int) -> None:
        """Do nothing."""

    def validation(self, loss: torch.Tensor | float | None = None, **metrics: torch.Tensor | float) -> None:
        """Do nothing."""

    def note_failure(self, error: BaseException) -> None:
        """Do nothing."""

    def diagnose(self, lang: str = "en") -> "Diagnosis":
        """Raise: there is nothing to judge."""
        del lang
        raise UsageError("TRAINADVISOR=0: the recording is switched off, nothing can be diagnosed; unset the variable")


def watch(
    model: Models,
    optimizer: Optimizers = None,
    *,
    log: str | Path = "log.json",
    every: int = 10,
    overhead: str | float = "1 %",
    ignore: Iterable[str] = (),
) -> Watcher:
    """Record the training of one or several models; return the watcher, which is a context manager too.

    `log` is the file to write (`.json`; of several processes each writes its own, `log.rank1.json` beside the first),
    `every` the largest distance in steps between two samples of the layers, `overhead` the part of the training's time
    that recording may take in the long run: samples become rarer, and below the default of 1 % plain steps of long runs
    are left out. `ignore` holds codes that `diagnose` leaves out. Raises UsageError for arguments that cannot be
    watched and LogError for a log that cannot be written; once it runs, nothing of it reaches the training.
    """
    models = [model] if isinstance(model, nn.Module) else list(model)
    alone = isinstance(optimizer, torch.optim.Optimizer) or foreign_optimizers.standing_for(optimizer) is not None
    given = [optimizer] if alone else list(optimizer or ())  # type: ignore[call-overload]
    optimizers: list[Any] = [foreign_optimizers.standing_for(thing) or thing for thing in given]
    _check(models, optimizers, every)
    share = share_of(overhead)
    if os.environ.get("TRAINADVISOR") == "0":
        return _Off(Path(log), frozenset(ignore))
    own = path_of(Path(log), process_rank.place()[0])
    for old in [watcher for watcher in watchers if watcher.holds(models, own)]:
        old.close("replaced")
    watcher = Watcher(models, optimizers or _optimizers_of(models), own, every, share, frozenset(ignore))
    watcher.start()
    watcher.note_written(_written)
    return watcher


def autolog(log: str | Path = "log.json", *, every: int = 10, overhead: str | float = "1 %") -> Watcher:
    """Record whatever trains from here on, as `trainadvisor run` does; return the watcher, which closes at exit.

    Under `trainadvisor run`, and when called again, nothing is recorded twice.
    """
    if (known := next((watcher for watcher in watchers if watcher.discovers), None)) is not None:
        return cast("Watcher", known)
    own = path_of(Path(log), process_rank.place()[0])
    if os.environ.get("TRAINADVISOR") == "0" or torch_events.discovering():
        return _Off(own, frozenset())
    watcher = Watcher([], [], own, every, share_of(overhead), frozenset(), discover=True)
    watcher.start()
    watcher.note_written(_written)
    return watcher


def _written() -> "list[Fault]":
    """Return the faults that stand in the sources of the script that runs."""
    from trainadvisor.mending import notebook_cells
    from trainadvisor.mending.written_faults import faults_in_cells, written_faults

    script = getattr(sys.modules["__main__"], "__file__", None)
    return written_faults(script, call_sites.shorten, sys.argv) if script else faults_in_cells(notebook_cells.current())


def _optimizers_of(models: list[nn.Module]) -> list[torch.optim.Optimizer]:
    """Find the optimizers that hold parameters of the models: without them no step could be told from a backward."""
    wanted = {id(p) for model in models for p in module_tables.parameters(model)}
    found = [thing for thing in gc.get_objects() if issubclass(type(thing), torch.optim.Optimizer)]
    return [o for o in found if any(id(p) in wanted for group in o.param_groups for p in group["params"])]


def _check(models: list[Any], optimizers: list[Any], every: int) -> None:
    for thing in models:
        if not isinstance(thing, nn.Module):
            raise UsageError(f"watch(model, ...): {type(thing).__name__} is no torch.nn.Module; pass the model itself")
    for thing in optimizers:
        if not isinstance(thing, torch.optim.Optimizer):
            kind = type(thing).__name__
            raise UsageError(f"watch(..., optimizer): {kind} is no torch.optim.Optimizer; pass the optimizer itself")
    if not any(next(module_tables.parameters(model), None) is not None for model in models):
        message = "watch(model, ...): the model has no parameters, so nothing can train; pass the model that is trained"
        raise UsageError(message)
    if every < 1:
        raise UsageError(f"watch(..., every={every!r}): no number of steps; pass 1 or more")
