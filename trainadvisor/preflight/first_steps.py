"""Runs a script's first steps in a child process, unmodified or changed from outside, within a time budget."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainadvisor.log.reader import RunLog
    from trainadvisor.trials.jobs import Change, Outcome
    from trainadvisor.trials.survey import Choice

# Seconds beyond its limit after which a child is killed.
GRACE = 10.0
# Seconds of training below which an experiment is not worth starting.
LEAST_STEPPING = 1.5
# Seconds that all active tests may take: a child that takes them is not killed.
LONGEST_TESTS = GRACE


@dataclass(frozen=True)
class Script:
    """What to run: a script or a module, with its arguments."""

    target: str
    args: tuple[str, ...] = ()
    module: bool = False


@dataclass(frozen=True)
class Trial:
    """One shortened run of the script: its log, the end of its output, and its duration."""

    log: RunLog | None
    printed: str
    seconds: float
    # Its exit code, None when it was killed.
    code: int | None


class Trials:
    """Runs a script several times, each time in its own process and scratch copy."""

    def __init__(
        self,
        script: Script,
        folder: Path,
        budget: float,
        *,
        in_place: bool = False,
        choice: Choice | None = None,
        tell: Callable[[str, float], object] = lambda *_: None,
    ) -> None:
        self._script, self._folder, self._in_place, self._choice = script, folder, in_place, choice
        self._tell = tell
        self._began, self._budget = time.monotonic(), budget
        self._startup = 0.0

    @property
    def spent(self) -> float:
        """Return the seconds since the first run began."""
        return time.monotonic() - self._began

    def first(self, steps: int, more: Sequence[Change] = ()) -> Trial:
        """Run the first steps unmodified, then the active tests; half of the budget is kept for experiments."""
        from trainadvisor.trials.jobs import Change

        testing = min(LONGEST_TESTS, self._budget / 6)
        tests = Change("contracts", {"seconds": testing})
        outcome = self._run("natural", (tests, *more), steps, self._budget / 2 - testing)
        log = _read(outcome.log)
        if log is not None and not self._script.module:
            from trainadvisor.mending.written_faults import fault_events

            log.events += fault_events(self._script.target, [self._script.target, *self._script.args])
        training = (log.end or {}).get("seconds") if log is not None else None
        self._startup = max(outcome.seconds - float(training or 0.0), 0.0)
        return Trial(log, outcome.stderr or outcome.stdout, outcome.seconds, outcome.code)

    def experiment(self, name: str, changes: Sequence[Change], steps: int, *, share: float = 1.0) -> RunLog | None:
        """Run the script with changes for a share of the remaining time; return None if there is too little."""
        seconds = (self._budget - self.spent) * share - self._startup
        return None if seconds < LEAST_STEPPING else _read(self._run(name, changes, steps, seconds).log)

    def _run(self, name: str, changes: Sequence[Change], steps: int, seconds: float) -> Outcome:
        from trainadvisor.trials.child_process import Setting, execute
        from trainadvisor.trials.jobs import Job
        from trainadvisor.trials.survey import Choice

        job = Job(
            self._script.target, self._script.args, self._script.module, tuple(changes), stop_after_steps=steps,
            stop_after_seconds=seconds, limit=seconds + self._startup + GRACE, name=name,
        )  # fmt: skip
        choice = self._choice or Choice()
        self._tell(name, max(self._budget - self.spent, 0.0))
        return execute(job, Setting(Path.cwd().resolve(), self._folder, in_place=self._in_place, choice=choice))


def _read(path: Path) -> RunLog | None:
    from trainadvisor.log.reader import read_log

    try:
        return read_log(path)
    except LogError:
        return None
