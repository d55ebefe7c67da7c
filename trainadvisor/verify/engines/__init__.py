"""Where trials run: on this machine, or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trainadvisor.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.verify.child import Setting
    from trainadvisor.verify.plan import Job, Outcome

NAMES = ("local", "ray")


class Engine(Protocol):
    """Runs jobs side by side."""

    name: str
    slots: int

    def run(self, jobs: Iterable[Job], setting: Setting) -> Iterator[Outcome]:
        """Yield outcomes as they come; closing the iterator stops what still runs."""

    def close(self) -> None:
        """Give back what the engine holds."""


def engine(name: str, jobs: int) -> Engine:
    """Return an engine by its name."""
    if name == "ray":
        from trainadvisor.verify.engines.cluster import RayEngine

        return RayEngine(jobs)
    if name != "local":
        message = f"--engine {name}: there is no such engine{did_you_mean(name, NAMES)}"
        raise UsageError(message)
    from trainadvisor.verify.engines.local import LocalEngine

    return LocalEngine(jobs)
