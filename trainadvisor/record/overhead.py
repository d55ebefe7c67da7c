"""The recorder's own clock: what recording costs, and the budget that this is held against."""

import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trainadvisor.record.sampling import Budget
from trainadvisor.record.step import Iteration

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class Meter:
    """Measures the time of a recorder; `entered` and `spent` are kept by the recorder itself at every event."""

    def __init__(self, recorder: "Recorder", overhead: float, every: int) -> None:
        """Take the part of the time that may be spent, and the cadence of the layer samples."""
        self._recorder = recorder
        self.budget = Budget(overhead, every, common=recorder.processes > 1)
        self.started = self.entered = time.perf_counter()
        self.spent = 0.0
        self._spent_before = self._paused = 0.0
        self._told = False

    def spend(self, seconds: float) -> None:
        """Count time that was spent for the recorder outside of its events."""
        self.spent += seconds

    def share(self) -> float:
        """Return the share of the time since the start that was spent in the recorder."""
        return self.spent / max(1e-9, time.perf_counter() - self.started)

    def pause(self) -> None:
        """Stop the clock of the training."""
        self._paused = time.perf_counter()

    def resume(self) -> None:
        """Let the clock of the training go on."""
        gap = time.perf_counter() - self._paused
        self.started += gap
        self._recorder.iteration.begun += gap

    @contextmanager
    def held(self) -> Iterator[None]:
        """Leave out, inside of an event, the time for which we let the training wait."""
        before = self.started
        self.pause()
        try:
            yield
        finally:
            self.resume()
            self.entered += self.started - before

    def skip(self) -> None:
        """Leave out steps that were not recorded."""
        self._spent_before = self.spent

    def book(self, iteration: Iteration, ended: float) -> None:
        """Let the budget know what a step has cost; tell once that it holds samples back."""
        spent = self.spent + time.perf_counter() - self.entered
        own, self._spent_before = spent - self._spent_before, spent
        seconds = ended - iteration.begun - iteration.fields.get("wait", 0.0)
        self.budget.book(iteration.step, seconds, own, iteration.sample_gradients, iteration.sample_layers)
        if self.budget.backed_off and not self._told:
            self.tell()

    def tell(self) -> None:
        """Say what the recording costs, and whether samples were left out for that."""
        self._told = self.budget.backed_off
        self._recorder.event(
            "overhead", "", {"share": self.share(), **self.budget.fact(), "skipped": self._recorder.doze.total}
        )


_recorders: "weakref.WeakSet[Recorder]" = weakref.WeakSet()


def leave_to_parent_when_forked(recorder: "Recorder") -> None:
    """Have the recorder told in a forked child that it is one: asking for the process at every event costs more."""
    _recorders.add(recorder)


def _leave() -> None:
    for recorder in _recorders:
        recorder.leave_to_parent()


os.register_at_fork(after_in_child=_leave)
