"""Records a training from inside its script, until it is closed."""

import atexit
import sys
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from torch import nn

from trainadvisor import clocks
from trainadvisor.instrument import call_sites
from trainadvisor.instrument.user_modes import apart
from trainadvisor.interruptions import suppressed
from trainadvisor.log.records import opening
from trainadvisor.log.writer import LogWriter
from trainadvisor.record import failures
from trainadvisor.record.recorder import Recorder

# The watchers that are open; watching a model or writing a log anew replaces.
watchers: list["WatchedRecording"] = []


class WatchedRecording:
    """Records a training until it is closed."""

    def __init__(
        self,
        models: list[nn.Module],
        optimizers: list[torch.optim.Optimizer],
        log: Path,
        every: int,
        overhead: float,
        ignore: frozenset[str],
        *,
        discover: bool = False,
    ) -> None:
        self.log, self.ignore = log, ignore
        self._models = [weakref.ref(model) for model in models]
        self._writer = LogWriter(log, header=opening(sys.argv[0] or None, sys.argv[1:]))
        self._recorder = Recorder([self._writer], discover=discover, every=every, overhead=overhead)
        self._open = True
        place = call_sites.user_place(2)
        begun = clocks.perf_counter()
        self._recorder.guard("watch", apart, self._meet, models, optimizers, place)
        self._recorder.spend_before_first_step(clocks.perf_counter() - begun)
        # Whether whatever trains is recorded.
        self.discovers = discover

    def _meet(
        self, models: list[nn.Module], optimizers: list[torch.optim.Optimizer], place: call_sites.Place | None
    ) -> None:
        for model in models:
            self._recorder.objects.add_model(model).trained = True
        for optimizer in optimizers:
            self._recorder.expect_optimizer(optimizer, place)

    def start(self) -> None:
        """Begin to record."""
        watchers.append(self)
        atexit.register(self._leave)
        self._recorder.start()

    def note_written(self, faults: Callable[[], Iterable[tuple[str, dict[str, Any]]]]) -> None:
        """Write the faults that stand in the script, by their codes."""
        self._recorder.note_written(faults)

    def subscribe(self, subscriber: Callable[[dict[str, Any]], None]) -> None:
        """Hand every record to the subscriber too, as it is written."""
        self._recorder.queue.subscribers.append(subscriber)

    def step(self, loss: torch.Tensor | float | None = None) -> None:
        """Give the loss of the step just taken; only needed where `loss.backward()` does not show it."""
        if loss is not None:
            self._recorder.on("given_loss", loss)

    def epoch(self, number: int) -> None:
        """Give the number, from 0, of the epoch that begins; only needed where no DataLoader shows it."""
        self._recorder.on("epoch_begins", number)

    def validation(self, loss: torch.Tensor | float | None = None, **metrics: torch.Tensor | float) -> None:
        """Give the result of a validation: its loss and any metrics, as accuracy=0.97."""
        self._recorder.on("given_validation", loss, metrics)

    def close(self, reason: str = "closed") -> None:
        """End the recording and complete the log; closing again does nothing."""
        if not self._open:
            return
        self._open = False
        watchers.remove(self)
        atexit.unregister(self._leave)
        self._recorder.stop(reason)
        self._writer.close()

    @property
    def recording(self) -> bool:
        """Return whether the watcher has not been closed."""
        return self._open

    def flush(self) -> None:
        """Write what has been recorded so far."""
        if self._open:
            self._recorder.guard("flush", apart, self._hand_over)

    def _hand_over(self) -> None:
        self._recorder.queue.open()
        self._recorder.drain(wait=True)
        self._writer.flush()

    def holds(self, models: list[nn.Module], log: Path) -> bool:
        """Return whether the watcher records one of the models, writes that log, or has no model any more."""
        gone = not self.discovers and all(reference() is None for reference in self._models)
        return gone or any(map(self.records, models)) or _same(self.log, log)

    def records(self, model: nn.Module) -> bool:
        """Return whether the watcher was made for a model."""
        return any(reference() is model for reference in self._models)

    def note_failure(self, error: BaseException) -> None:
        """Write the exception that ends the training."""
        event = self._recorder.event
        self._recorder.guard("exception", lambda: event("exception", type(error).__name__, failures.describe(error)))

    def _leave(self) -> None:
        """Close when the interpreter ends; an exception that nobody caught has been left in `sys` by then."""
        error = getattr(sys, "last_value", None)
        with suppressed():  # the interpreter would print it, and the training is over
            if error is not None:
                self.note_failure(error)
            self.close("finished" if error is None else "exception")

    def __enter__(self) -> Self:
        """Return the watcher."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; an exception of the training is noted and goes on its way."""
        if error is not None:
            self.note_failure(error)
        reason = "interrupted" if isinstance(error, KeyboardInterrupt) else "exception"
        self.close("finished" if error is None else reason)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve()
    except OSError:
        return False
