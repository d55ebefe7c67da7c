"""Calls of one function side by side on a Ray cluster, the same one that trials run on."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainadvisor.trials.engines.calls import Answer
from trainadvisor.trials.engines.ray import GONE, GRACE, RETRIES, WAIT, Machines, connected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trainadvisor.trials.engines.calls import Call

# Calls that are handed over for each slot: one is made, the next one waits for it.
AHEAD = 2


@dataclass(frozen=True)
class _Running:
    call: Call
    since: float


class RayTasks:
    """A call a task; arguments and answers travel through the object store."""

    def __init__(self, slots: int | None = None, limit: float = 300.0, grace: float = GRACE) -> None:
        """Connect; raise UsageError if ray is not installed or the cluster does not answer."""
        self._ray, self._own = connected()
        self._limit = limit
        self._grace = grace
        self.slots = max(1, slots or int(self._ray.cluster_resources().get("CPU", 1)))

    def run(self, function: Callable[..., Any], calls: Iterable[Call]) -> Iterator[Answer]:
        """Yield answers as they arrive; a task whose process or machine went away is made again elsewhere.

        Where no machine is left, every call that has no answer is given up.
        """
        task = self._ray.remote(num_cpus=1, max_retries=RETRIES)(function)
        waiting, running = iter(calls), dict[Any, _Running]()
        machines = Machines(self._ray, self._grace)
        try:
            while True:
                while len(running) < AHEAD * self.slots and (call := next(waiting, None)) is not None:
                    running[task.remote(*call.arguments)] = _Running(call, time.monotonic())
                if not running:
                    return
                done, _ = self._ray.wait(list(running), timeout=WAIT)
                for reference in done:
                    yield self._received(reference, running.pop(reference).call)
                yield from self._late(running)
                if machines.gone(len(done)):
                    for call in (*(item.call for item in running.values()), *waiting):
                        yield Answer(call.key, lost=GONE)
                    return
        finally:
            for reference in running:
                self._cancel(reference)

    def _late(self, running: dict[Any, _Running]) -> Iterator[Answer]:
        """Give up the calls that take too long; each may have waited for as long as another takes."""
        now = time.monotonic()
        for reference in [one for one, item in running.items() if now - item.since > AHEAD * self._limit]:
            self._cancel(reference)
            yield Answer(running.pop(reference).call.key, lost="the process that read it took too long")

    def _cancel(self, reference: Any) -> None:
        with suppress(Exception):  # it may have ended by now
            self._ray.cancel(reference, force=True)

    def _received(self, reference: Any, call: Call) -> Answer:
        try:
            return Answer(call.key, self._ray.get(reference))
        except self._ray.exceptions.RayTaskError as error:
            return Answer(call.key, lost=f"{type(error.cause).__name__}: {error.cause}")
        except self._ray.exceptions.WorkerCrashedError:
            return Answer(call.key, lost="the process that read it was killed")
        except self._ray.exceptions.RayError as error:
            return Answer(call.key, lost=str(error).split("\n", 1)[0])

    def close(self) -> None:
        """Disconnect from the cluster, and shut it down if it was started here."""
        if self._own:
            self._ray.shutdown()
