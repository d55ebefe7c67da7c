"""A running judge beside the training whose log it judges, in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainadvisor import clocks
from trainadvisor.background import Background
from trainadvisor.interruptions import from_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.monitor.running_judge import RunningJudge

Record = dict[str, Any]

# Seconds that the end of the training waits for a look to end.
LAST_WAIT = 10.0


class JudgingThread:
    """Looks whenever the pace of the judge says so; the training hands it every record and never waits."""

    def __init__(self, judge: RunningJudge, complain: Callable[[Exception], object] = lambda _: None) -> None:
        """Take the judge, and who is told of a look that fails: the next one may not."""
        self._judge, self._complain = judge, complain
        self._background = Background(self._work, "trainadvisor-judge")

    def take(self, record: Record) -> None:
        """Take a record, in the thread that trains; there is nothing to judge before the first step."""
        if self._background.away and record["record"] == "step":
            self._background.call()

    def end(self, *, final: bool = False) -> None:
        """Stop looking; a final look, in the calling thread, tells what only the end of a run can show."""
        self._background.end(LAST_WAIT)
        if final:
            self._look(final=True)

    def _work(self) -> None:
        while not self._background.wait_until(self._judge.pace.moment):
            if self._is_due():
                self._look()

    def _is_due(self) -> bool:
        return clocks.monotonic() >= self._judge.pace.moment

    def _look(self, *, final: bool = False) -> None:
        try:
            self._judge.catch_up(final=final)
        except Exception as error:
            if from_handler(error):  # the last look is on the script's own thread
                raise
            if final or not self._background.leaving.is_set():
                self._complain(error)
