"""Probe: a process's own time of a step, without its waiting for the other processes."""

from trainadvisor import clocks
from trainadvisor.record.context import Context, probe
from trainadvisor.record.step import Call, Step


@probe(order=180, several_processes=True)
class OwnTimeProbe:
    """Adds up the time for which the training thread computes, and for which it waits for data.

    In a collective it sleeps until the others have come, so the sum leaves that out whoever called the collective. On a
    GPU the thread's time says nothing of the device's: nothing is recorded there.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._since = clocks.thread_time()
        self._asked = self._loading = 0.0

    def on_batch_begins(self, *_: object) -> None:
        """Start the clock of what loading computes in this thread: it counts as waiting for data already."""
        self._asked = clocks.thread_time()

    def on_batch_ends(self, *_: object) -> None:
        """Stop that clock."""
        self._loading += clocks.thread_time() - self._asked

    def on_forward_ends(self, call: Call) -> None:
        """Leave out an evaluation between two steps."""
        step = self._context.step
        if not call.grad and not step.models and not step.micro:
            self._begin()

    def on_close(self, step: Step) -> None:
        """Add the time to the step."""
        own = clocks.thread_time() - self._since - self._loading + step.fields.get("wait", 0.0)
        self._begin()
        if own > 0 and all(model.device.type == "cpu" for model in step.models):
            step.fields["own"] = own

    def _begin(self) -> None:
        self._since, self._loading = clocks.thread_time(), 0.0
