"""Watching a training from inside its script: `watch(model, optimizer)`."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from trainadvisor.errors import UsageError
from trainadvisor.log.writer import LogWriter
from trainadvisor.record import sites
from trainadvisor.record.recorder import Recorder

if TYPE_CHECKING:
    from trainadvisor.diagnose.result import Diagnosis

Models = nn.Module | Iterable[nn.Module]
Optimizers = torch.optim.Optimizer | Iterable[torch.optim.Optimizer] | None

_watchers: dict[int, "Watcher"] = {}
"""The running watcher of each model, by the model's id: watching again replaces."""


class Watcher:
    """Records a training until it is closed; made by `watch`."""

    def __init__(self, models: list[nn.Module], optimizers: list[torch.optim.Optimizer], log: Path, every: int, ignore: frozenset[str]) -> None:
        """Use `watch` instead."""
        self.log, self.ignore = log, ignore
        self._writer = LogWriter(log)
        self._recorder = Recorder([self._writer], discover=False, every=every)
        self._open = True
        place = sites.user_place(2)
        for model in models:
            self._recorder.inventory.places[id(model)] = None
            self._recorder.inventory.add_model(model).trained = True
        for optimizer in optimizers:
            self._recorder.expect_optimizer(optimizer, place)
        self._models = [id(model) for model in models]

    def subscribe(self, subscriber: Callable[[dict[str, Any]], None]) -> None:
        """Hand every record to the subscriber too, as it is written."""
        self._recorder.subscribers.append(subscriber)

    def step(self, loss: torch.Tensor | float | None = None) -> None:
        """Give the loss of the step just taken; only needed where `loss.backward()` does not show it."""
        if loss is not None:
            self._recorder.on("given_loss", loss)

    def validation(self, loss: torch.Tensor | float | None = None, **metrics: torch.Tensor | float) -> None:
        """Give the result of a validation: its loss and any metrics, as accuracy=0.97."""
        self._recorder.on("given_validation", loss, metrics)

    def close(self, reason: str = "closed") -> None:
        """End the recording and complete the log; closing again does nothing."""
        if not self._open:
            return
        self._open = False
        for model in self._models:
            if _watchers.get(model) is self:
                del _watchers[model]
        self._recorder.stop(reason)
        self._writer.close()

    def diagnose(self, lang: str = "en") -> "Diagnosis":
        """Judge what has been recorded so far."""
        from trainadvisor.config import Config
        from trainadvisor.diagnose import diagnose

        self._recorder.drain()
        self._writer.flush()
        return diagnose(self.log, lang=lang, config=Config(off=dict.fromkeys(self.ignore, "ignore=[...] in watch(...)")))

    def __enter__(self) -> "Watcher":
        """Return the watcher."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close; an exception of the training is noted and goes on its way."""
        if error is not None:
            self._recorder.event("exception", type(error).__name__, {"type": type(error).__name__, "message": str(error)[:500]})
        self.close("exception" if error is not None else "finished")


def watch(
    model: Models,
    optimizer: Optimizers = None,
    *,
    log: str | Path = "log.json",
    every: int = 10,
    ignore: Iterable[str] = (),
) -> Watcher:
    """Record the training of one or several models; return the watcher, which is a context manager too.

    `log` is the file to write (`.json`), `every` the largest distance in steps between two samples of the layers, `ignore`
    holds codes that `diagnose` leaves out. Raises UsageError for arguments that cannot be watched and LogError for a log
    that cannot be written; once it runs, nothing of it reaches the training.
    """
    models = [model] if isinstance(model, nn.Module) else list(model)
    optimizers = [optimizer] if isinstance(optimizer, torch.optim.Optimizer) else list(optimizer or ())
    _check(models, optimizers)
    for old in {_watchers[id(m)] for m in models if id(m) in _watchers}:
        print("trainadvisor: this model is watched already; the new watcher replaces the old one", file=sys.stderr)
        old.close("replaced")
    watcher = Watcher(models, optimizers, Path(log), every, frozenset(ignore))
    for module in models:
        _watchers[id(module)] = watcher
    watcher._recorder.start()  # noqa: SLF001 - one idea in two pieces
    return watcher


def _check(models: list[Any], optimizers: list[Any]) -> None:
    for thing in models:
        if not isinstance(thing, nn.Module):
            raise UsageError(f"watch(model, ...): {type(thing).__name__} is no torch.nn.Module; pass the model itself")
    for thing in optimizers:
        if not isinstance(thing, torch.optim.Optimizer):
            message = f"watch(..., optimizer): {type(thing).__name__} is no torch.optim.Optimizer; pass the optimizer itself"
            raise UsageError(message)
    if not any(next(model.parameters(), None) is not None for model in models):
        raise UsageError("watch(model, ...): the model has no parameters, so there is nothing to train; pass the model that is trained")
