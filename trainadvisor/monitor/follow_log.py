"""`trainadvisor follow`: a running or finished training, shown as its log grows."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from trainadvisor import clocks
from trainadvisor.i18n.language import Words
from trainadvisor.importers.growing_import import GrowingImport, growing
from trainadvisor.log.cleaning import Cleaner
from trainadvisor.log.typed import check_of
from trainadvisor.monitor.finding_events import STEPS
from trainadvisor.monitor.look_pace import LookPace
from trainadvisor.monitor.running_judge import LogJudge, RunningJudge
from trainadvisor.report.text import follow_screen, full_report
from trainadvisor.status_line import status

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.finding_events import FindingEvent

Record = dict[str, Any]

PAUSE = 0.25
# Seconds between two looks at least.
APART = 2.0
HEARTBEAT = 600.0
SHOWN = ("step", "loss", "lr", "grad_norm", "seconds", "planned_steps", "script", "reason")
UP, CLEAR = "\x1b[{lines}A", "\r\x1b[J"


@dataclass
class View:
    """What is shown of the run: kept up to date record by record."""

    log: Path
    planned: int | None = None
    script: str | None = None
    epochs: bool = False
    step: Record = field(default_factory=dict)
    evaluation: Record = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    end: Record | None = None
    records: int = 0
    _width: int = 1
    _waiting: list[float] = field(default_factory=list)

    def take(self, records: list[Record]) -> None:
        """Take new records."""
        for record in records:
            self.records += 1
            kind = record.get("record")
            if kind == "step":
                self.step = _plain(record)
                self._take_loss(self.step.get("loss"))
            elif kind == "eval":
                self.evaluation = _plain(record)
            elif kind == "header":
                header = _plain(record)
                self.planned, self.script = header.get("planned_steps"), header.get("script")
                imported = record.get("imported")
                self.epochs = isinstance(imported, dict) and imported.get("unit") == "epoch"
            elif kind == "end":
                self.end = _plain(record)

    def _take_loss(self, loss: object) -> None:
        """Keep at most 60 means: when they are full, neighbors are joined."""
        if not isinstance(loss, int | float):
            return
        self._waiting.append(float(loss))
        if len(self._waiting) >= self._width:
            self.losses.append(sum(self._waiting) / len(self._waiting))
            self._waiting.clear()
        if len(self.losses) >= 2 * follow_screen.CURVE:
            self.losses = [(a + b) / 2 for a, b in zip(self.losses[::2], self.losses[1::2], strict=False)]
            self._width *= 2


def _plain(record: Record) -> Record:
    """Return a record with the fields that are shown, each of its type."""
    shown = Cleaner(check_of)({name: record[name] for name in SHOWN if name in record})
    return {name: value for name, value in shown.items() if value is not None}


class Follower:
    """Shows a log until it ends, its writer is silent for too long, or the reader has seen enough."""

    def __init__(self, path: Path, lang: str, config: Config, *, patience: float, stream: TextIO, redraw: bool) -> None:
        """Take the log, and after how many seconds without a new record following ends (0: never)."""
        log = growing(path)
        self._path = path
        self._foreign = isinstance(log, GrowingImport)
        self._rules = LogJudge(lang, config)
        self._judge = RunningJudge(log, self._rules, LookPace(0.0, APART))
        self._view, self._words, self._lang = View(path), Words(lang), lang
        self._patience, self._stream, self._redraw = patience, stream, redraw
        self._news: list[FindingEvent] = []
        self._judge.subscribe(self._news.append)
        self._lines = 0
        self._grown = self._beaten = clocks.monotonic()

    def run(self) -> None:
        """Follow to the end, then print the verdict."""
        if not self._redraw and not self._path.exists():
            self._print(self._words("follow.waiting", log=self._view.log))
        if self._foreign and self._patience and not self._redraw:
            self._print(self._words("follow.foreign", log=self._view.log, seconds=int(self._patience)))
        try:
            while not self._over():
                if not self._judge.behind:
                    clocks.sleep(PAUSE)
        except KeyboardInterrupt:
            pass
        self._verdict()

    def _over(self) -> bool:
        """Take what is new and show it; return whether nothing more is to come."""
        records = self._judge.grow()
        now = clocks.monotonic()
        if records:
            self._view.take(records)
            self._words = Words(self._lang, epochs=self._view.epochs)
            self._grown = now
        if self._judge.due():
            late = self._judge.diagnosis is None and self._view.records > STEPS
            with self._busy():
                self._judge.look(settled=late)  # who comes to a training under way asks what is there
        self._show(now)
        silent = self._patience and now - self._grown > self._patience
        return self._view.end is not None or bool(silent)

    def _busy(self) -> AbstractContextManager[object]:
        """Tell a terminal of a look that takes seconds."""
        told = partial(self._words, "status.judging", log=self._view.log)
        return (
            status(lambda seconds: f"  {told(seconds=int(seconds))}", at_once=False) if self._redraw else nullcontext()
        )

    def _findings(self) -> list[Finding] | None:
        """Return what is shown, None where nothing was judged yet."""
        judged = self._judge.diagnosis is not None
        return [entry.finding for entry in self._judge.standing if entry.told] if judged else None

    def _show(self, now: float) -> None:
        if self._redraw:
            self._draw(follow_screen.block(self._view, self._findings(), self._words, _width(), now - self._grown))
            return
        for event in self._news:
            self._print(follow_screen.news(event, self._words))
        self._news.clear()
        if now - self._beaten > HEARTBEAT and self._view.step:
            self._beaten = now
            self._print(follow_screen.beat(self._view, self._words))

    def _draw(self, lines: list[str]) -> None:
        back = UP.format(lines=self._lines) if self._lines else ""
        self._stream.write(back + CLEAR + "\n".join(lines) + "\n")
        self._stream.flush()
        self._lines = len(lines)

    def _print(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def _verdict(self) -> None:
        """Tell how the log ended and what it shows."""
        with self._busy():
            self._judge.look(final=True)
        view, diagnosis = self._view, self._judge.diagnosis
        if self._redraw:
            self._draw(follow_screen.block(view, self._findings(), self._words, _width(), 0.0))
        died = "follow.endless" if self._foreign else "follow.died"
        self._print(self._words("follow.ended", reason=view.end.get("reason", "?")) if view.end else self._words(died))
        if diagnosis is not None:
            self._print("\n" + full_report.render(diagnosis, self._lang, width=_width()))


def _width() -> int:
    return max(60, min(100, shutil.get_terminal_size((100, 24)).columns))
