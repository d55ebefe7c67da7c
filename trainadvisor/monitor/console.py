"""`trainadvisor run`: the script, what is told while it trains, and the verdict at its end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainadvisor.background import Background
from trainadvisor.i18n.language import Words
from trainadvisor.log import rank_logs
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.monitor.alerts import Alerter
    from trainadvisor.record.run_script import Run

Record = dict[str, Any]

_INTRODUCE_AFTER = 20
"""Steps after which it is told what is recorded, unless three seconds have passed before."""
_FIRST_LOOK = 4.0
_PATIENCE = 20
"""A look at the log may take one part in twenty of the time."""
_REDRAW = 0.25
_LEVELS = {str(word): word.rank for word in Severity}


def run_script(
    target: str,
    args: list[str],
    *,
    module: bool,
    log: Path | None,
    every: int | None,
    overhead: float | None,
    stop_on: str | None,
    stop_after: int,
    lang: str,
    live: bool,
    report: Path | None,
    alerter: Alerter | None = None,
    fail_on: str = "never",
) -> int:
    """Run a script or module, record it, tell what is found; return the script's exit code (1 when we stopped it)."""
    if os.environ.get("TRAINADVISOR") == "0":
        return _run_plainly(target, args, module=module)
    from trainadvisor import configuration
    from trainadvisor.gate.policy import for_script
    from trainadvisor.monitor.ending import Ending
    from trainadvisor.record.run_script import Run, harmless
    from trainadvisor.record.sampling import DEFAULT_SHARE
    from trainadvisor.report import files

    if report is not None:
        files.check(report)
    gate, settings = for_script(fail_on), configuration.load()
    rank, processes = rank_logs.of_environment()
    path = log or Path("trainadvisor-runs") / f"{rank_logs.launched():%m%d-%H%M%S}" / "log.json"
    own = rank_logs.path_of(path, rank)
    run = Run(target, args, module=module, log=own, every=every or 10, overhead=overhead or DEFAULT_SHARE)
    told = live and not rank  # the first process speaks for all
    narrator = Narrator(run, lang, settings, stop_on, stop_after, alerter) if told else None
    ending = Ending(run, path, log is not None, report, lang, settings, gate, alerter, processes)
    atexit.register(_end_as_interrupted, run)  # before the script's own handlers, so that it comes after them
    code = run.execute()
    if rank or os.getpid() != run.pid:  # a child that the script has forked
        return code
    if narrator is not None:
        with harmless():
            narrator.end()
        run.stopped = narrator.stopped
    return ending.tell(code)


def _end_as_interrupted(run: Run) -> None:
    """End by SIGINT, as python does after a KeyboardInterrupt that nobody caught: the shell looks at that."""
    if isinstance(run.error, KeyboardInterrupt) and not run.stopped and os.name == "posix" and os.getpid() == run.pid:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, None, or an object of the script's
                stream.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def _run_plainly(target: str, args: list[str], *, module: bool) -> int:
    """Switched off: replace this process by the plain script."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *(["-m"] if module else []), target, *args])  # noqa: S606 - the user's command


class Narrator:
    """Tells, while the script trains, what is recorded, and findings when they open, worsen and clear."""

    def __init__(
        self, run: Run, lang: str, settings: Config, stop_on: str | None, stop_after: int, alerter: Alerter | None
    ) -> None:
        """Take the run to follow, which finding interrupts it after how many steps, and who else is told."""
        self.stopped = False
        self._alerter = alerter
        self._run, self._lang, self._words, self._settings = run, lang, Words(lang), settings
        self._log, self._voice = run.log.absolute(), run.voice
        self._stop_on, self._stop_after = stop_on, stop_after
        self._started = time.monotonic()
        self._introduced = False
        self._header: Record = {}
        self._facts: dict[str, list[Record]] = {}
        self._last: Record = {}
        self._drawn = 0.0
        self._terminal = self._voice.isatty() and os.environ.get("TERM") != "dumb"
        self._open: dict[str, str] = {}
        self._seen: set[str] = set()
        self._since: int | None = None
        run.subscribe(self._take)
        self._due = time.monotonic() + _FIRST_LOOK
        self._watch = Background(self._look_repeatedly, "trainadvisor-live")

    def end(self) -> None:
        """Stop following and take the status line away."""
        self._watch.end(10)
        self._erase()
        if not self._introduced and self._last:
            self._introduce()

    def _take(self, record: Record) -> None:
        kind = record["record"]
        if kind == "header":
            self._header = record
        elif kind == "event" and record["kind"] in {"model", "optimizer", "loss", "loader"}:
            self._facts.setdefault(record["kind"], []).append(record["detail"])
        elif kind == "step":
            self._last = record
            if self._watch.away:
                self._watch.call()
            now = time.monotonic()
            if not self._introduced and (record["step"] >= _INTRODUCE_AFTER or now - self._started > _FIRST_LOOK):
                self._introduce()
            if self._terminal and now - self._drawn > _REDRAW:
                self._draw(now)

    def _introduce(self) -> None:
        """Tell what was found, what is recorded how often, where, and what it costs."""
        self._introduced = True
        from trainadvisor.report.text.introduction import introduction

        self._erase()
        overhead = self._run.overhead
        for line in introduction(self._header, self._facts, self._words, self._run.log, overhead):
            self._voice.line(line)

    def _draw(self, now: float) -> None:
        self._drawn = now
        record = self._last
        parts = [f"  {record['step']}"]
        parts += [
            f"{name} {record[key]:.3g}"
            for name, key in (("loss", "loss"), ("grad", "grad_norm"))
            if _shown(record.get(key))
        ]
        parts += [f"lr {record['lr'][0]:.2g}"] if record.get("lr") and _shown(record["lr"][0]) else []
        parts.append(f"{1000 * record['seconds']:.3g} ms/step")
        self._voice.write("\r\x1b[K" + "  ".join(parts))

    def _erase(self) -> None:
        if self._terminal and self._drawn:
            self._voice.write("\r\x1b[K")

    def _look_repeatedly(self) -> None:
        """Judge the growing log: after four seconds, then so rarely that it takes a twentieth of the time at most."""
        while not self._watch.wait_until(self._due):
            began = time.monotonic()
            if self._last:
                try:
                    if self._alerter is not None:
                        self._alerter.resume()
                    self._look()
                except Exception as error:  # noqa: BLE001 - a look that fails must not end the following ones
                    if self._watch.leaving.is_set():
                        return
                    self._voice.line(f"trainadvisor: {type(error).__name__}: {error}") if not self._seen else None
                    self._seen.add("failed")
            now = time.monotonic()
            self._due = now + max(_FIRST_LOOK, _PATIENCE * (now - began))

    def _look(self) -> None:
        from trainadvisor.telling import diagnose

        diagnosis = diagnose(self._log, lang=self._lang, config=self._settings)
        findings = {f.code: f for f in _loud(diagnosis.findings)}
        for code, finding in findings.items():
            sure = finding.confidence == "certain" or code in self._seen
            worse = _LEVELS[finding.severity] > _LEVELS.get(self._open.get(code, ""), 0)
            if sure and worse:
                self._open[code] = finding.severity
                self._tell(finding)
                if self._alerter is not None:
                    self._alerter.tell(finding, int(self._last["step"]))
        self._seen = set(findings)
        for code in [code for code in self._open if code not in findings]:
            del self._open[code]
            self._line(self._words("run.cleared", code=code, step=self._last["step"]))
        self._stop_if_asked(diagnosis)

    def _tell(self, finding: Finding) -> None:
        onset = finding.onset if finding.onset is not None else self._last["step"]
        self._line(f"{finding.severity}[{finding.code}] {self._words('step', step=onset)}: {finding.sentence}")
        if finding.remedies:
            from trainadvisor.report.text.introduction import first_change

            self._line(f"         {self._words('fix')}: {first_change(finding.remedies[0])}")

    def _line(self, text: str) -> None:
        self._erase()
        self._voice.line(text)

    def _stop_if_asked(self, diagnosis: Diagnosis) -> None:
        """Interrupt the script, as Ctrl-C would, when the finding has held for the asked number of steps."""
        if self._stop_on is None or self.stopped:
            return
        held = any(self._stop_on in (f.code, f.severity) for f in _loud(diagnosis.findings) if f.code in self._open)
        step = int(self._last["step"])
        self._since = (step if self._since is None else self._since) if held else None
        if self._since is not None and step - self._since >= self._stop_after:
            self.stopped = True
            self._line(self._words("run.stopping", code=self._stop_on, step=step))
            os.kill(os.getpid(), signal.SIGINT)


def _loud(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if _LEVELS[f.severity] > 0 and f.handling.phase != "end"]


def _shown(value: object) -> bool:
    return isinstance(value, int | float)
