"""`--stop-on`: interrupts a running script when a finding has stood for some steps."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from trainadvisor import clocks
from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.vocabulary import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.finding_events import Standing
    from trainadvisor.monitor.narrator import Narrator
    from trainadvisor.monitor.running_judge import RunningJudge
    from trainadvisor.record.run_script import Run

Record = dict[str, Any]

# Seconds that the training waits at once, at most.
HELD = 0.5
# Steps that it may take during a look before it waits.
SLACK = 20


class Stopper:
    """Decides once, for a finding of the wanted severity or code that has held for some steps since its onset."""

    def __init__(self, wanted: str, steps: int) -> None:
        """Take a severity or a code, and for how many steps it has to hold.

        A severity stands for itself and worse ones, and asks for findings that are likely at least.
        """
        # The finding that the script is to be interrupted for.
        self.decided: Finding | None = None
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

    def __init__(self, judge: RunningJudge, narrator: Narrator, run: Run, stopper: Stopper) -> None:
        """Take the run, what decides, and who interrupts the script and says why."""
        super().__init__(judge, narrator.complain)
        self._narrator, self._run, self._stopper = narrator, run, stopper
        # The step up to which the log is to be judged, until it was.
        self._asked: int | None = None
        self._waited_at = -SLACK
        self._looked = threading.Event()
        self._waited = 0.0
        self._over = False

    def take(self, record: Record) -> None:
        """Take a record; have the log judged up to this step where that is due, and interrupt where that is decided."""
        super().take(record)
        if self._over or record["record"] != "step":
            return
        if self._asked is None and self._judge.pace.due_by_steps(clocks.monotonic(), record["step"]):
            self._ask(record["step"])
        if self._is_ahead(record["step"], record["seconds"]):
            self._wait(record["step"])
        if self._stopper.decided is not None:
            self._over = True
            self._narrator.interrupt(self._stopper.decided, record["step"])

    def _ask(self, step: int) -> None:
        """Have the log judged up to this step."""
        self._looked.clear()
        self._asked = step
        self._run.writer.hand_over()
        self._background.ring()

    def _is_ahead(self, step: int, seconds: float) -> bool:
        """Return whether the training is far ahead of the look it was asked for, or will be when that is done."""
        asked, usual = self._asked, self._judge.pace.cost
        if asked is None or step - self._waited_at < SLACK:
            return False
        return step - asked >= SLACK or usual is None or usual > SLACK * seconds

    def _wait(self, step: int) -> None:
        """Let the training wait a moment for the look, as long as that has not happened too often."""
        began = clocks.monotonic()
        if self._waited < self._judge.pace.allowance(began) and self._background.call():
            with self._run.held():
                self._looked.wait(HELD)
            self._waited_at = step
            self._waited += clocks.monotonic() - began

    def _is_due(self) -> bool:
        return super()._is_due() or self._asked is not None

    def _look(self, *, final: bool = False) -> None:
        asked = self._asked
        self._run.writer.settle()
        super()._look(final=final)
        date = self._stopper.consider(self._judge.standing, self._judge.step)
        if date is not None:
            self._judge.pace.ask(date)
        if asked is not None:
            self._asked = None
            self._looked.set()
