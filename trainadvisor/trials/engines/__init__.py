"""Where trials run: on this machine, or on a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from trainadvisor.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.trials.child_process import Setting
    from trainadvisor.trials.jobs import Job, Outcome

NAMES = ("local", "ray")


class Engine(Protocol):
    """Runs jobs side by side."""

    name: str
    slots: int

    def run(self, jobs: Iterable[Job], setting: Setting) -> Iterator[Outcome]:
        """Yield outcomes as they arrive; closing the iterator stops the remaining runs."""

    def close(self) -> None:
        """Release what the engine holds."""


def engine(name: str, jobs: int | None = None, gpus: float = 0.0) -> Engine:
    """Return an engine by name; without a number of jobs it uses half of the cores."""
    if name == "ray":
        from trainadvisor.trials.engines.ray import RayEngine

        return RayEngine(jobs, gpus)
    if name != "local":
        message = f"--engine {name}: there is no such engine{did_you_mean(name, NAMES)}"
        raise UsageError(message)
    from trainadvisor.trials.engines.local import LocalEngine

    return LocalEngine(jobs or max(1, (os.cpu_count() or 2) // 2))
