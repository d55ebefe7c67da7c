"""The judge of a running log: fed as the log grows, it tells its subscribers what opens, worsens and clears."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from trainadvisor import clocks
from trainadvisor.log.reader import read_log
from trainadvisor.monitor.finding_events import FindingLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.log.reader import RunLog
    from trainadvisor.monitor.finding_events import FindingEvent, Standing
    from trainadvisor.monitor.look_pace import LookPace

Record = dict[str, Any]


class LogJudge:
    """Judges logs by the rules of a project, which are loaded once."""

    def __init__(self, lang: str = "en", config: Config | None = None, ignore: Iterable[str] = ()) -> None:
        self._lang, self._config, self._ignore = lang, config, frozenset(ignore)

    @cached_property
    def rules(self) -> Rulebook:
        """Return the rules."""
        from trainadvisor.judge import rules_for

        return rules_for(config=self._config, ignore=self._ignore)

    def prepare(self) -> None:
        """Load now what the first judgement would have to load."""
        from numpy import ma

        from trainadvisor.judge import trainings
        from trainadvisor.signals import all_signals
        from trainadvisor.telling import told_findings, told_lines, told_run

        del ma, trainings, told_findings, told_run
        told_lines.prepare()
        all_signals()
        with suppress(Exception):  # the first judgement will tell
            _ = self.rules

    def __call__(self, log: RunLog) -> Diagnosis:
        """Return the diagnosis of a log that has been read."""
        from trainadvisor.judge.trainings import judge_trainings
        from trainadvisor.telling import told

        return told(judge_trainings(log, self.rules), self._lang)


class Growing(Protocol):
    """A log that is still being written."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def behind(self) -> bool:
        """Whether it holds more than was read at once."""

    def grow(self) -> list[Record]:
        """Read what was added and return it."""

    def snapshot(self) -> RunLog | None:
        """Return the log so far."""


class RunningJudge:
    """Judges a log while it grows; whoever holds it feeds it and lets it look, whoever cares subscribes."""

    def __init__(self, log: Growing, judge: Callable[[RunLog], Diagnosis], pace: LookPace) -> None:
        """Take the log, which need not exist yet, how it is judged and when."""
        self.pace = pace
        # The latest one.
        self.diagnosis: Diagnosis | None = None
        # The last step of the log that was judged.
        self.step = -1
        self._log, self._judge = log, judge
        self._grown_to = -1
        self._fresh = False
        self._ledger = FindingLedger()
        self._subscribers: list[Callable[[FindingEvent], object]] = []

    def subscribe(self, subscriber: Callable[[FindingEvent], object]) -> None:
        """Tell the subscriber what opens, worsens and clears from now on."""
        self._subscribers.append(subscriber)

    @property
    def standing(self) -> list[Standing]:
        """Return the findings that hold, and have held for long enough."""
        return self._ledger.standing

    @property
    def behind(self) -> bool:
        """Return whether the log has more than was read at once."""
        return self._log.behind

    def grow(self) -> list[Record]:
        """Read what was added to the log, a long one piece by piece, and return it."""
        records = self._log.grow()
        self._fresh = self._fresh or bool(records)
        last = next((record["step"] for record in reversed(records) if _is_step(record)), self._grown_to)
        if last < self._grown_to:  # another run writes the log now
            self.diagnosis, self._ledger = None, FindingLedger()
        self._grown_to = last
        return records

    def due(self) -> bool:
        """Return whether it is time to look."""
        return self._fresh and not self.behind and self.pace.due(clocks.monotonic(), self._grown_to)

    def look(self, *, settled: bool = False, final: bool = False) -> None:
        """Judge what was read and tell what is new; see `FindingLedger.update`."""
        with self._timed():
            self._look(settled=settled, final=final)

    def catch_up(self, *, final: bool = False) -> None:
        """Read all that was added, and look."""
        with self._timed():
            while self.grow() and self.behind:
                pass
            self._look(final=final)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = clocks.monotonic()
        try:
            yield
        finally:
            self.pace.looked(began, clocks.monotonic(), self._grown_to)

    def _look(self, *, settled: bool = False, final: bool = False) -> None:
        log = self._snapshot() if self._fresh or final else None
        if log is None:
            return
        self._fresh = False
        diagnosis = self._judge(log)
        step = self._grown_to
        events = self._ledger.update(diagnosis.findings, step, clocks.monotonic(), settled=settled, final=final)
        self.diagnosis, self.step = diagnosis, step
        for event in events:
            for subscriber in self._subscribers:
                subscriber(event)

    def _snapshot(self) -> RunLog | None:
        """Return the log so far; what several processes recorded is read together."""
        log = self._log.snapshot()
        together = log is not None and (log.header.get("world_size") or 1) != 1
        return read_log(self._log.path) if together else log


def _is_step(record: Record) -> bool:
    return record.get("record") == "step" and type(record.get("step")) is int
