"""`--stop-on`: interrupts a running script when a finding has stood for some steps."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.vocabulary import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.finding_events import Standing
    from trainadvisor.monitor.narrator import Narrator
    from trainadvisor.monitor.running_judge import LogJudge, RunningJudge
    from trainadvisor.record.run_script import Run

Record = dict[str, Any]

HELD = 0.5
"""Seconds that the training waits for a look at most."""
SLACK = 20
"""Steps that it may take during a look without being held."""


class Stopper:
    """Decides once, for a finding of the wanted severity or code that has held for some steps since its onset."""

    def __init__(self, wanted: str, steps: int) -> None:
        """Take a severity or a code, and for how many steps it has to hold.

        A severity stands for itself and worse ones, and asks for findings that are likely at least.
        """
        self.decided: Finding | None = None
        """The finding that the script is to be interrupted for."""
        self._wanted, self._steps = wanted, steps

    def consider(self, standing: Iterable[Standing], step: int) -> int | None:
        """Take what stands at a step; return the step by which something will have held for long enough."""
        dates = [(entry.since + self._steps, entry.finding) for entry in standing if self._is_wanted(entry.finding)]
        if not dates:
            return None
        date, finding = min(dates, key=lambda pair: pair[0])
        if step >= date:
            self.decided = self.decided or finding
        return date

    def _is_wanted(self, finding: Finding) -> bool:
        if self._wanted in set(Severity):
            return finding.severity >= self._wanted and finding.confidence > Confidence.POSSIBLE
        return finding.code == self._wanted


class StoppingThread(JudgingThread):
    """Looks by steps too, and interrupts between two steps; where they are short, the training waits for the look."""

    def __init__(self, judge: RunningJudge, narrator: Narrator, run: Run, stopper: Stopper, rules: LogJudge) -> None:
        """Take the run, what decides, who interrupts the script and says why, and the rules, to be loaded early."""
        super().__init__(judge, narrator.complain)
        self._narrator, self._run, self._stopper, self._rules = narrator, run, stopper, rules
        self._asked = -1
        self._looked = threading.Event()
        self._over = False

    def take(self, record: Record) -> None:
        """Take a record; have the log judged up to this step where that is due, and interrupt where that is decided."""
        super().take(record)
        if self._over or record["record"] != "step":
            return
        if self._judge.pace.due_by_steps(time.monotonic(), record["step"]):
            self._ask(record["step"], record["seconds"])
        if self._stopper.decided is not None:
            self._over = True
            self._narrator.interrupt(self._stopper.decided, record["step"])

    def _ask(self, step: int, seconds: float) -> None:
        self._asked = step
        self._looked.clear()
        self._run.writer.hand_over()
        self._background.ring()
        cost = self._judge.pace.cost
        if (cost is None or cost > SLACK * seconds) and self._background.call():
            with self._run.held():
                self._looked.wait(HELD)

    def _work(self) -> None:
        with suppress(Exception):  # a look will tell
            _ = self._rules.rules  # loaded while the first steps are taken
        super()._work()

    def _is_due(self) -> bool:
        return super()._is_due() or self._asked > self._judge.step

    def _look(self, *, final: bool = False) -> None:
        self._run.writer.settle()
        super()._look(final=final)
        date = self._stopper.consider(self._judge.standing, self._judge.step)
        if date is not None:
            self._judge.pace.ask(date)
        if self._judge.step >= self._asked:
            self._looked.set()
