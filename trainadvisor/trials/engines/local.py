"""Trials as processes on this machine, a fixed number at a time, forks of a prepared one where that can be."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from trainadvisor.trials.child_process import execute
from trainadvisor.trials.forked_trials import ForkServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.trials.child_process import Setting
    from trainadvisor.trials.jobs import Job, Outcome


class LocalEngine:
    """Runs each job in a child process of this one."""

    name = "local"

    def __init__(self, slots: int) -> None:
        self.slots = max(1, slots)
        self._forks = ForkServer()

    def run(self, jobs: Iterable[Job], setting: Setting) -> Iterator[Outcome]:
        """Yield outcomes as they arrive; jobs start only when a slot is free, so a closed iterator skips the rest."""
        canceled, waiting = threading.Event(), iter(jobs)
        running: set[Future[Outcome]] = set()
        with ThreadPoolExecutor(self.slots) as pool:
            try:
                while self._start(pool, running, waiting, setting, canceled):
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            finally:
                canceled.set()

    def _start(
        self,
        pool: ThreadPoolExecutor,
        running: set[Future[Outcome]],
        waiting: Iterator[Job],
        setting: Setting,
        canceled: threading.Event,
    ) -> bool:
        """Fill the free slots; return whether anything is running."""
        while len(running) < self.slots and (job := next(waiting, None)) is not None:
            running.add(pool.submit(execute, job, setting, canceled.is_set, self._forks))
        return bool(running)

    def close(self) -> None:
        """End the prepared process."""
        self._forks.close()
