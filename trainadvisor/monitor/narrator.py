"""What `trainadvisor run` says while a script trains: what is recorded, a status line, findings that come and go."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from trainadvisor import clocks
from trainadvisor.figures import short
from trainadvisor.i18n.language import Words
from trainadvisor.i18n.since import since
from trainadvisor.status_line import StatusLine

if TYPE_CHECKING:
    from trainadvisor.judge.result import Finding
    from trainadvisor.monitor.finding_events import FindingEvent
    from trainadvisor.record.run_script import Run

Record = dict[str, Any]

# After so many steps or seconds, whichever pass first, it is told what is recorded.
_STEPS, _SECONDS = 20, 4.0
_REDRAW = 0.25
# Seconds without a step after which it is told how long that takes.
_LONG = 2.0


class Narrator:
    """Tells, while the script trains, what is recorded, and findings when they open, worsen and clear."""

    def __init__(self, run: Run, lang: str, *, begun: float | None = None, quiet: bool = False) -> None:
        """Take the run to follow and when it was begun; a quiet one only says why it interrupts the script."""
        self._run, self._words, self._voice, self._quiet = run, Words(lang), run.voice, quiet
        self._started = clocks.monotonic()
        # Seconds that the command had taken before.
        self._before = self._started - begun if begun is not None else 0.0
        self._introduced = False
        self._header: Record = {}
        self._facts: dict[str, list[Record]] = {}
        self._last: Record = {}
        self._drawn = self._stepped = 0.0
        self._status = StatusLine(self._voice)
        self._complained = False
        if not quiet:
            run.subscribe(self._take)
            self._status.show(self._going_on)

    def end(self) -> None:
        """Take the status line away."""
        self._status.end()
        if not self._introduced and self._last:
            self._introduce()

    def _going_on(self, seconds: float) -> str:
        """Return what happens while no step tells it."""
        if self._last:
            waited = clocks.monotonic() - self._stepped
            long = f"  ({self._words('status.since', seconds=int(waited))})" if waited > _LONG else ""
            return self._told(self._last) + long
        key = "status.importing" if _importing_torch() else "status.starting"
        return "  " + self._words(key, target=self._run.shown[0], seconds=int(self._before + seconds))

    def _take(self, record: Record) -> None:
        kind = record["record"]
        if kind == "header":
            self._header = record
        elif kind == "event" and record["kind"] in {"model", "optimizer", "loss", "loader"}:
            self._facts.setdefault(record["kind"], []).append(record["detail"])
        elif kind == "step":
            # The time comes first: the status line's thread reads both.
            self._stepped = now = clocks.monotonic()
            self._last = record
            if not self._introduced and (record["step"] >= _STEPS or now - self._started > _SECONDS):
                self._introduce()
            if self._status.shown and now - self._drawn > _REDRAW:
                self._drawn = now
                self._status.draw(self._told(record))

    def _introduce(self) -> None:
        """Tell what was found, what is recorded how often, and where; what it costs is known at the end."""
        self._introduced = True
        from trainadvisor.report.text.introduction import introduction

        for line in introduction(self._header, self._facts, self._words, self._run.log):
            self._status.line(line)

    def _told(self, record: Record) -> str:
        """Return a step in one line."""
        parts = [f"  {record['step']}"]
        parts += [
            f"{name} {short(record[key])}"
            for name, key in (("loss", "loss"), ("grad", "grad_norm"))
            if _shown(record.get(key))
        ]
        parts += [f"lr {record['lr'][0]:.2g}"] if record.get("lr") and _shown(record["lr"][0]) else []
        slow = record["seconds"] >= 1
        parts.append(
            self._words("status.pace.s" if slow else "status.pace.ms", time=record["seconds"] * (1 if slow else 1000))
        )
        return "  ".join(parts)

    def tell(self, event: FindingEvent) -> None:
        """Tell that a finding has opened, worsened or cleared."""
        if event.kind == "cleared":
            self._line(self._words("run.cleared", code=event.finding.code, step=event.step))
        else:
            self._tell(event.finding, event.step)

    def _tell(self, finding: Finding, step: int) -> None:
        place = since(finding.onset, step, self._words)
        self._line(f"{finding.severity}[{finding.code}]{place}{self._words('colon')}{finding.sentence}")
        if finding.remedies:
            from trainadvisor.report.text.introduction import first_change

            self._line(f"         {self._words('fix')}{self._words('colon')}{first_change(finding.remedies[0])}")

    def complain(self, error: Exception) -> None:
        """Tell once that the log could not be judged."""
        if not self._complained:
            self._complained = True
            self._line(f"trainadvisor: {type(error).__name__}: {error}")

    def interrupt(self, finding: Finding, step: int) -> None:
        """Interrupt the script, as Ctrl-C would, and say why."""
        if self._quiet:
            self._tell(finding, step)
        self._line(self._words("run.stopping", code=finding.code, step=step))
        self._run.stopped = True
        os.kill(os.getpid(), signal.SIGINT)

    def _line(self, text: str) -> None:
        self._status.line(text)


def _importing_torch() -> bool:
    """Return whether the script is at its import of torch, which takes seconds."""
    spec = getattr(sys.modules.get("torch"), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _shown(value: object) -> bool:
    return isinstance(value, int | float)
