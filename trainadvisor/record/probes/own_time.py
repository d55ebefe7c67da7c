"""Probe: a process's own time of a step, without its waiting for the other processes."""

import time
from typing import TYPE_CHECKING

from trainadvisor.record.step import Call, Iteration

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class OwnTimeProbe:
    """Adds up the time for which the training thread computes, and for which it waits for data.

    In a collective it sleeps until the others have come, so the sum leaves that out whoever called the collective. On a
    GPU the thread's time says nothing of the device's: nothing is recorded there.
    """

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._since = time.thread_time()
        self._asked = self._loading = 0.0

    def on_batch_begins(self, *_: object) -> None:
        """Start the clock of what loading computes in this thread: it counts as waiting for data already."""
        self._asked = time.thread_time()

    def on_batch_ends(self, *_: object) -> None:
        """Stop that clock."""
        self._loading += time.thread_time() - self._asked

    def on_forward_ends(self, call: Call) -> None:
        """Leave out an evaluation between two steps."""
        iteration = self._recorder.iteration
        if not call.grad and not iteration.models and not iteration.micro:
            self._begin()

    def on_close(self, iteration: Iteration) -> None:
        """Add the time to the step."""
        own = time.thread_time() - self._since - self._loading + iteration.fields.get("wait", 0.0)
        self._begin()
        if own > 0 and all(model.device.type == "cpu" for model in iteration.models):
            iteration.fields["own"] = own

    def _begin(self) -> None:
        self._since, self._loading = time.thread_time(), 0.0
