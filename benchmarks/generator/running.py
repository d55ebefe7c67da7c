"""Runs what is missing, several at a time, in worker processes; logs and outcomes stay in the work folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bases import Spec, identity

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]


@dataclass(frozen=True)
class Job:
    """One training to record."""

    name: str
    script: str
    args: list[str]
    folder: Path

    @property
    def log(self) -> Path:
        """Return the path of the log."""
        return self.folder / f"{self.name}.json"

    @property
    def out(self) -> Path:
        """Return the path of the output."""
        return self.folder / f"{self.name}.out"

    @property
    def done(self) -> Path:
        """Return the file that records the end of the training and its exit status."""
        return self.folder / f"{self.name}.done"


def job_of(spec: Spec, work: Path) -> Job:
    """Return the job of a specification."""
    return Job(identity(spec), str(HERE / "train.py"), ["--spec", json.dumps(spec)], work / "logs")


def run_all(jobs: list[Job], parallel: int, say: Callable[[str], None]) -> None:
    """Run the jobs that were not run before."""
    todo = [job for job in jobs if not job.done.exists()]
    if not todo:
        return
    say(f"{len(jobs) - len(todo)} of {len(jobs)} trainings are there already")
    workers, count, start = Workers(), 0, time.monotonic()
    with ThreadPoolExecutor(parallel) as pool:
        for count, _ in enumerate(pool.map(workers.run, todo), 1):
            left = (time.monotonic() - start) / count * (len(todo) - count)
            say(f"{count}/{len(todo)} trainings, about {left / 60:.0f} min left")
    workers.close()


class Workers:
    """One worker process per thread."""

    def __init__(self) -> None:
        self.local, self.all = threading.local(), []

    def run(self, job: Job) -> None:
        """Record one training."""
        worker = getattr(self.local, "worker", None) or self._start()
        job.folder.mkdir(parents=True, exist_ok=True)
        line = {"script": job.script, "args": job.args, "log": str(job.log), "out": str(job.out)}
        worker.stdin.write(json.dumps(line) + "\n")
        worker.stdin.flush()
        status = worker.stdout.readline().strip()
        if not status:
            raise SystemExit(f"worker died in {job.name}; see {job.out}")
        job.done.write_text(status, encoding="utf-8")

    def _start(self) -> Any:
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(REPOSITORY)]))
        env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
        command = [sys.executable, str(HERE / "worker.py")]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
        self.local.worker = worker
        self.all.append(worker)
        return worker

    def close(self) -> None:
        """Let the workers end."""
        for worker in self.all:
            worker.stdin.close()
            worker.wait()


def outcome(job: Job) -> dict[str, Any] | None:
    """Return the last output of the training, or None when it failed."""
    lines = job.out.read_text(encoding="utf-8", errors="replace").splitlines() if job.out.exists() else []
    results = [line for line in lines if line.startswith("RESULT ")]
    return json.loads(results[-1][7:]) if results else None
