"""Who is told what of a script while it trains: one judge of its log, and those who have asked for what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.log.growing import GrowingLog
from trainadvisor.monitor.judging_thread import JudgingThread
from trainadvisor.monitor.look_pace import LookPace
from trainadvisor.monitor.narrator import Narrator
from trainadvisor.monitor.running_judge import LogJudge, RunningJudge
from trainadvisor.monitor.stopping import Stopper, StoppingThread

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.monitor.alerts import Alerter
    from trainadvisor.record.run_script import Run


class WatchedScript:
    """The judge beside a script and its subscribers; without any of them there is nothing to end."""

    def __init__(self, run: Run, lang: str, settings: Config, begun: float | None = None) -> None:
        """Take the run, before it is executed, how its log is judged, and when the command was begun."""
        self._run, self._lang, self._begun = run, lang, begun
        self._rules = LogJudge(lang, settings)
        self._narrator: Narrator | None = None
        self._thread: JudgingThread | None = None

    def begin(self, *, live: bool, alerter: Alerter | None, stop_on: str | None, stop_after: int) -> None:
        """Judge for those who want it: the live view, the alerts, and who interrupts the script."""
        if not live and alerter is None and stop_on is None:
            return
        judge = RunningJudge(GrowingLog(self._run.log.absolute()), self._rules, LookPace(by_steps=stop_on is not None))
        self._narrator = narrator = Narrator(self._run, self._lang, begun=self._begun, quiet=not live)
        if live:
            judge.subscribe(narrator.tell)
        if alerter is not None:
            judge.subscribe(alerter.heed)
        # now, since what a thread reads beside the script may stand at a number that the script closes and opens again
        self._rules.prepare()
        if stop_on is None:
            self._thread = JudgingThread(judge, narrator.complain)
        else:
            self._thread = StoppingThread(judge, narrator, self._run, Stopper(stop_on, stop_after))
        self._run.subscribe(self._thread.take)

    def end(self) -> None:
        """Stop judging, and take the live view away."""
        if self._thread is not None:
            self._thread.end()
        if self._narrator is not None:
            self._narrator.end()
