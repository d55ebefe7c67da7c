"""Calls of one function side by side on a Ray cluster, the same one that trials run on."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainadvisor.trials.engines.calls import Answer
from trainadvisor.trials.engines.ray import RETRIES, WAIT, connected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trainadvisor.trials.engines.calls import Call


class RayTasks:
    """A call a task; arguments and answers travel through the object store."""

    def __init__(self, slots: int | None = None) -> None:
        """Connect; raise UsageError if ray is not installed or the cluster does not answer."""
        self._ray, self._own = connected()
        self.slots = max(1, slots or int(self._ray.cluster_resources().get("CPU", 1)))

    def run(self, function: Callable[..., Any], calls: Iterable[Call]) -> Iterator[Answer]:
        """Yield answers as they arrive; a task whose machine went away is made again elsewhere."""
        task = self._ray.remote(num_cpus=1, max_retries=RETRIES)(function)
        waiting, running = iter(calls), dict[Any, "Call"]()
        try:
            while True:
                while len(running) < 2 * self.slots and (call := next(waiting, None)) is not None:
                    running[task.remote(*call.arguments)] = call
                if not running:
                    return
                done, _ = self._ray.wait(list(running), timeout=WAIT)
                for reference in done:
                    yield self._received(reference, running.pop(reference))
        finally:
            for reference in running:
                with suppress(Exception):  # it may have ended by now
                    self._ray.cancel(reference)

    def _received(self, reference: Any, call: Call) -> Answer:
        try:
            return Answer(call.key, self._ray.get(reference))
        except self._ray.exceptions.RayError as error:
            return Answer(call.key, lost=str(error).split("\n", 1)[0])

    def close(self) -> None:
        """Disconnect from the cluster, and shut it down if it was started here."""
        if self._own:
            self._ray.shutdown()
