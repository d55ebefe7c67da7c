"""Calls of one function side by side, in processes of this machine: one that dies takes only its own call with it."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING

from trainadvisor.errors import UsageError, did_you_mean
from trainadvisor.trials.engines.calls import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from multiprocessing.process import BaseProcess

    from trainadvisor.trials.engines.calls import Function, Tasks

NAMES = ("local", "ray")
# Times that a call is made again whose process died.
RETRIES = 1


def tasks(name: str, jobs: int | None = None, limit: float = 300.0) -> Tasks:
    """Return what makes calls: processes of this machine, or tasks of a Ray cluster."""
    if name == "ray":
        from trainadvisor.trials.engines.ray_tasks import RayTasks

        return RayTasks(jobs, limit)
    if name != "local":
        message = f"--engine {name}: there is no such engine{did_you_mean(name, NAMES)}"
        raise UsageError(message)
    return LocalTasks(jobs or os.cpu_count() or 1, limit)


@dataclass
class _Worker:
    process: BaseProcess
    pipe: connection.Connection
    call: Call | None = None
    since: float = 0.0


@dataclass
class LocalTasks:
    """A fixed number of processes, each with a pipe; one that dies or takes too long is replaced."""

    slots: int
    # Seconds after which a call is given up.
    limit: float = 300.0
    _workers: list[_Worker] = field(default_factory=list)

    def run(self, function: Function, calls: Iterable[Call]) -> Iterator[Answer]:
        """Yield answers as they arrive; no more calls are taken than there are processes."""
        waiting, again = iter(calls), list[Call]()
        tried: dict[int, int] = {}
        try:
            while self._feed(function, waiting, again):
                for worker in self._ready():
                    answer = self._answer(worker)
                    call = worker.call
                    worker.call = None
                    if answer is None and call is not None:
                        self._replace(worker, function)
                        tried[id(call)] = tried.get(id(call), 0) + 1
                        if tried[id(call)] <= RETRIES:
                            again.append(call)
                            continue
                        answer = Answer(call.key, lost="the process that read it was killed or took too long")
                    if answer is not None:
                        yield answer
        finally:
            self.close()

    def _worker(self, function: Function) -> _Worker:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(function, theirs), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _feed(self, function: Function, waiting: Iterator[Call], again: list[Call]) -> bool:
        """Give each idle process a call, and start those that are needed; return whether any is at work."""
        while (idle := self._idle()) or len(self._workers) < self.slots:
            call = again.pop() if again else next(waiting, None)
            if call is None:
                break
            worker = idle or self._worker(function)
            self._workers += [] if idle else [worker]
            worker.call, worker.since = call, time.monotonic()
            with suppress(OSError):  # it died meanwhile, which is seen where its answer is read
                worker.pipe.send((call.key, call.arguments))
        return any(worker.call is not None for worker in self._workers)

    def _idle(self) -> _Worker | None:
        return next((worker for worker in self._workers if worker.call is None), None)

    def _ready(self) -> list[_Worker]:
        busy = {worker.pipe: worker for worker in self._workers if worker.call is not None}
        ready = [busy[pipe] for pipe in connection.wait(list(busy), timeout=1.0) if pipe in busy]
        late = [w for w in busy.values() if w not in ready and time.monotonic() - w.since > self.limit]
        for worker in late:
            worker.process.kill()
        return ready

    def _answer(self, worker: _Worker) -> Answer | None:
        try:
            key, value, lost = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(1.0)
            return None
        return Answer(key, value, lost)

    def _replace(self, worker: _Worker, function: Function) -> None:
        worker.pipe.close()
        fresh = self._worker(function)
        worker.process, worker.pipe = fresh.process, fresh.pipe

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            with suppress(OSError):
                worker.pipe.close()
            worker.process.kill()
            worker.process.join(1.0)
        self._workers = []


def _serve(function: Function, pipe: connection.Connection) -> None:
    """Answer calls until the pipe is closed."""
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            key, arguments = pipe.recv()
            try:
                pipe.send((key, function(*arguments), ""))
            except MemoryError:
                pipe.send((key, None, "no memory is left"))
            except Exception as error:  # noqa: BLE001 - told of this call alone
                pipe.send((key, None, f"{type(error).__name__}: {error}"))
