"""One run of the script in its own process: started in its scratch copy, watched, stopped when hopeless."""

from __future__ import annotations

import json
import os
import signal
import site
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.trials import scratch as copies
from trainadvisor.trials.early_abort import EarlyAbort
from trainadvisor.trials.forked_trials import suits
from trainadvisor.trials.jobs import Outcome
from trainadvisor.trials.survey import Choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.trials.early_abort import BaselineTrajectory
    from trainadvisor.trials.forked_trials import ForkedTrial, ForkServer
    from trainadvisor.trials.jobs import Job
    from trainadvisor.verify.session import Request

PROGRAM = (sys.executable, "-m", "trainadvisor.trials.changed_script")
OUT, ERR = "stdout", "stderr"
LOOK = 0.5
POLL = 0.05
# Seconds that a process has to end after it was asked to.
PATIENCE = 2.0
TAIL = 4000
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Setting:
    """Where and how all runs of a session are executed."""

    # The folder in which the script is run.
    working: Path
    logs: Path
    in_place: bool = False
    # What the copies may take, and what they share with the original.
    choice: Choice = field(default_factory=Choice)
    # Folders and their copies, if these were made before.
    moved: tuple[tuple[str, str], ...] = ()
    # How the baseline went, by which hopeless runs are recognized.
    trajectory: BaselineTrajectory | None = None
    program: tuple[str, ...] = PROGRAM
    # Whether the run must end when the process that started it is killed.
    tied: bool = False


def execute(
    job: Job, setting: Setting, canceled: Callable[[], bool] = lambda: False, forks: ForkServer | None = None
) -> Outcome:
    """Run a job until it ends, is hopeless, exceeds its time or is canceled; keep its log, delete its folder."""
    started = time.monotonic()
    log = (setting.logs / f"{job.name}.json").resolve()
    root = Path(tempfile.mkdtemp(prefix="trainadvisor-"))
    try:
        placed = _placed(job, setting, root)
        setting.logs.mkdir(parents=True, exist_ok=True)
        spec = _write_spec(job, placed, root, log)
        process = _forked(job, setting, placed, spec, forks) or _fresh(setting, placed, spec)
        stopped = _watch(process, job, _early_abort(job, log, setting), started, canceled)
        return Outcome(
            job, log, None if stopped else process.returncode, time.monotonic() - started,
            stopped[0] if stopped else None, stopped[1] if stopped else "", _tail(root / OUT), _tail(root / ERR),
        )  # fmt: skip
    finally:
        copies.remove(root)


@dataclass(frozen=True)
class Placed:
    """Where a run is executed: its working folder, with script and arguments as used there."""

    working: Path
    target: str
    args: list[str]
    # Folders and their copies, by which outside paths (of Python, of the environment) are mapped into the copies.
    moved: tuple[tuple[str, str], ...] = ()


def _placed(job: Job, setting: Setting, root: Path) -> Placed:
    """Copy the folders, unless the run is executed in place."""
    if setting.in_place:
        return Placed(setting.working, job.target, list(job.args), setting.moved)
    return place(job, setting, root / "folders")


def _write_spec(job: Job, placed: Placed, root: Path, log: Path) -> Path:
    """Write what the trial is to run, and make the folder of its temporary files."""
    spec = root / "spec.json"
    told = {**job.spec(placed.target, placed.args, str(log)), "moved": placed.moved}
    spec.write_text(json.dumps(told), encoding="utf-8")
    (root / "tmp").mkdir()
    return spec


def _forked(job: Job, setting: Setting, placed: Placed, spec: Path, forks: ForkServer | None) -> ForkedTrial | None:
    """Start the trial as a fork of the prepared process, where there is one and the script suits."""
    if forks is None or setting.program != PROGRAM or not suits(script_of(job, setting.working)):
        return None
    root = spec.parent
    return forks.start(str(spec), placed.working, _environment(root, placed), root / OUT, root / ERR)


def _fresh(setting: Setting, placed: Placed, spec: Path) -> subprocess.Popen[bytes]:
    """Start the trial as a process of its own."""
    root = spec.parent
    with (root / OUT).open("wb") as stdout, (root / ERR).open("wb") as stderr:
        return subprocess.Popen(  # noqa: S603 - the user's own script
            [*setting.program, str(spec)], cwd=placed.working,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            env=_environment(root, placed), start_new_session=True,
            preexec_fn=_die_with_parent if setting.tied else None,  # noqa: PLW1509 - in a worker of one thread
        )  # fmt: skip


def place(job: Job, setting: Setting, root: Path) -> Placed:
    """Copy what the script needs below `root`; return the paths in the copy."""
    script = script_of(job, setting.working)
    copied = copies.copy(setting.working, script, root, setting.choice)
    outside = script is not None and not script.is_relative_to(setting.working)
    target = str(copied.place(script)) if outside and script is not None else copied.argument(job.target)
    args = [copied.argument(text) for text in job.args]
    return Placed(copied.place(setting.working), target, args, copied.pairs)


def script_of(job: Job | Request, working: Path) -> Path | None:
    """Return the real path of the script, None for a module."""
    return None if job.module else (working / job.target).resolve()


def _die_with_parent() -> None:
    """Ask the kernel to end this process with its parent (Linux only)."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _environment(root: Path, placed: Placed) -> dict[str, str]:
    """Return the user's environment with paths mapped into the copies and temporary files beside them."""
    copied = copies.Scratch(root, {Path(original): Path(copy) for original, copy in placed.moved})
    moved = {name: os.pathsep.join(map(copied.argument, text.split(os.pathsep))) for name, text in os.environ.items()}
    if moved.get("HOME") != os.environ.get("HOME"):
        moved.setdefault("PYTHONUSERBASE", site.getuserbase())
    return {**moved, "PWD": str(placed.working), "TMPDIR": str(root / "tmp"), "TRAINADVISOR_TRIAL": "1"}


def _early_abort(job: Job, log: Path, setting: Setting) -> EarlyAbort:
    rescaled = any(change.about.rescales_loss for change in job.changes)
    return EarlyAbort(log, setting.trajectory if job.changes else None, rescaled=rescaled)


def _watch(
    process: subprocess.Popen[bytes] | ForkedTrial,
    job: Job,
    early_abort: EarlyAbort,
    started: float,
    canceled: Callable[[], bool],
) -> tuple[str, str] | None:
    """Wait for the process; return why it was stopped, or None if it ended by itself."""
    looked, reason = started, None
    try:
        while process.poll() is None and reason is None:
            time.sleep(POLL)
            now = time.monotonic()
            if canceled():
                reason = ("canceled", "")
            elif now - started > job.limit:
                reason = ("limit", f"{job.limit:.0f} s")
            elif now - looked > LOOK:
                looked, reason = now, early_abort.look()
    finally:
        _end(process)
    return reason


def _end(process: subprocess.Popen[bytes] | ForkedTrial) -> None:
    """Terminate the process group; kill it if it does not end."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            if sign == signal.SIGTERM:
                continue  # workers of the script may be left in its process group
            return


def _tail(path: Path) -> str:
    data = path.read_bytes() if path.exists() else b""  # a fork that was ended before it wrote
    return data[-TAIL:].decode("utf-8", "replace")
