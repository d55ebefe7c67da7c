"""Trials as tasks on a Ray cluster: folders travel through the object store, logs come back as bytes."""

from __future__ import annotations

import importlib
import io
import logging
import os
import tarfile
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.errors import UsageError
from trainadvisor.trials.child_process import execute, place
from trainadvisor.trials.jobs import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trainadvisor.trials.child_process import Setting
    from trainadvisor.trials.jobs import Job

RETRIES = 2
WAIT = 0.5
# Seconds without a machine before the rest is given up: a cluster that scales itself may bring another one.
GRACE = 30.0
GONE = "the cluster has no machine left"


@dataclass(frozen=True)
class Parcel:
    """A folder as an archive, with its original path."""

    archive: bytes
    root: str


@dataclass(frozen=True)
class Answer:
    """What a task returns: the outcome, and the log as bytes."""

    outcome: Outcome
    log: bytes | None


def run_remotely(job: Job, setting: Setting, parcel: Parcel) -> Answer:
    """Unpack the folder on this node, run the job there, and read its log."""
    with tempfile.TemporaryDirectory(prefix="trainadvisor-") as folder:
        here = Path(folder) / "folders"
        with tarfile.open(fileobj=io.BytesIO(parcel.archive), mode="r:gz") as archive:
            archive.extractall(here, filter="tar")
        moved = replace(
            job,
            target=_moved(job.target, parcel.root, here),
            args=tuple(_moved(text, parcel.root, here) for text in job.args),
        )
        working = Path(_moved(str(setting.working), parcel.root, here))
        pairs = tuple((original, _moved(copy, parcel.root, here)) for original, copy in setting.moved)
        placed = replace(setting, working=working, moved=pairs, logs=Path(folder), in_place=True, tied=True)
        outcome = execute(moved, placed)
        log = outcome.log.read_bytes() if outcome.log.is_file() else None
        return Answer(replace(outcome, job=job), log)


def _moved(text: str, root: str, here: Path) -> str:
    return str(here) + text.removeprefix(root) if text == root or text.startswith(root + os.sep) else text


def pack(folder: Path) -> bytes:
    """Return a folder as an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        archive.add(folder, arcname=".")
    return buffer.getvalue()


def connected() -> tuple[Any, bool]:
    """Return ray, connected to a cluster, and whether that is to be left again: else somebody else had connected."""
    try:
        import ray
    except ImportError as error:
        message = "--engine ray: ray is not installed; pip install ray"
        raise UsageError(message) from error
    own = not ray.is_initialized()
    if own:
        _connect(ray)
    return ray, own


def _connect(ray: Any) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError as error:
        if os.environ.get("RAY_ADDRESS"):
            message = f"--engine ray: no cluster answers at RAY_ADDRESS={os.environ['RAY_ADDRESS']} ({error})"
            raise UsageError(message) from error
        ray.init(include_dashboard=False, **quiet)
    # What a cluster says of a worker that died would stand in the table that a pipe reads from standard output.
    with suppress(ImportError):
        vars(importlib.import_module("ray._private.worker"))["_worker_logs_enabled"] = False


class Machines:
    """Whether the cluster still has a machine that computes; asked only while nothing comes back."""

    def __init__(self, ray: Any, grace: float = GRACE) -> None:
        """Begin with machines there."""
        self._ray = ray
        self._grace = grace
        self._without_since: float | None = None

    def gone(self, answers: int) -> bool:
        """Return whether no machine was there for as long as is waited; `answers` came since the last call."""
        if answers or any(node["Alive"] and node["Resources"].get("CPU") for node in self._ray.nodes()):
            self._without_since = None
            return False
        if self._without_since is None:
            self._without_since = time.monotonic()
        return time.monotonic() - self._without_since >= self._grace


class RayEngine:
    """Runs each job as a task on a cluster: that of RAY_ADDRESS or of a running head, else one started here."""

    name = "ray"

    def __init__(self, slots: int | None = None, gpus: float = 0.0, cpus: float = 1.0) -> None:
        """Connect; raise UsageError if ray is not installed or the cluster does not answer."""
        self._ray, self._own = connected()
        ray = self._ray
        resources: dict[str, float] = ray.cluster_resources()
        room = int(resources.get("CPU", 1)) // 2
        self.slots = max(1, slots or room)
        self._task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES)(run_remotely)
        self._parcels: dict[tuple[str, ...], tuple[Any, Any, Parcel]] = {}

    def run(self, jobs: Iterable[Job], setting: Setting) -> Iterator[Outcome]:
        """Yield outcomes as they arrive; closing the iterator cancels the remaining runs."""
        waiting, running, machines = iter(jobs), dict[Any, "Job"](), Machines(self._ray)
        try:
            while self._start(waiting, running, setting):
                done, _ = self._ray.wait(list(running), timeout=WAIT)
                for reference in done:
                    yield self._received(reference, running.pop(reference), setting)
                if machines.gone(len(done)):
                    for job in (*running.values(), *waiting):
                        yield Outcome(job, setting.logs / f"{job.name}.json", None, 0.0, "lost", GONE)
                    return
        finally:
            for reference in running:
                with suppress(Exception):  # it may have ended by now
                    self._ray.cancel(reference)

    def _start(self, waiting: Iterator[Job], running: dict[Any, Job], setting: Setting) -> bool:
        """Fill the free slots; return whether anything is running."""
        while len(running) < self.slots and (job := next(waiting, None)) is not None:
            placed, reference = self._sent(job, setting)
            shown = (job.target, *job.args)
            moved = replace(job, target=placed.target, args=tuple(placed.args), shown=shown)
            there = replace(setting, working=placed.working, moved=placed.moved)
            task = self._task.remote(moved, there, reference)
            running[task] = job
        return bool(running)

    def _sent(self, job: Job, setting: Setting) -> tuple[Any, Any]:
        """Put the folder into the object store, once."""
        key = (str(setting.working), job.target, *job.args)
        if key not in self._parcels:
            with tempfile.TemporaryDirectory(prefix="trainadvisor-") as folder:
                root = Path(folder) / "folders"
                placed = place(job, setting, root)
                parcel = Parcel(pack(root), str(root))
            self._parcels[key] = (placed, self._ray.put(parcel), parcel)
        return self._parcels[key][:2]

    def _received(self, reference: Any, job: Job, setting: Setting) -> Outcome:
        """Return the outcome of a task, after writing its log next to the others."""
        setting.logs.mkdir(parents=True, exist_ok=True)
        log = setting.logs / f"{job.name}.json"
        try:
            answer: Answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            return Outcome(job, log, None, 0.0, "lost", str(error).split("\n", 1)[0])
        if answer.log is not None:
            log.write_bytes(answer.log)
        return replace(answer.outcome, job=job, log=log)

    def close(self) -> None:
        """Disconnect from the cluster, and shut it down if it was started here."""
        if self._own:
            self._ray.shutdown()
