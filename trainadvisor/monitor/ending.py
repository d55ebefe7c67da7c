"""The end of `trainadvisor run`: the verdict is told, and whatever fails in that, the exit code stays the script's."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words, ours
from trainadvisor.log import rank_logs
from trainadvisor.monitor.last_word import last_word
from trainadvisor.status_line import status

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.configuration import Config
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.log.reader import RunLog
    from trainadvisor.monitor.alerts import Alerter
    from trainadvisor.record.run_script import Run

# Seconds that the verdict waits for the logs of the training's other processes to end.
_OTHERS = 5.0


@dataclass
class Ending:
    """What has to be known before the script runs, which may change folders and close what it likes."""

    run: Run
    # The log of the first process, as it is named to the user.
    log: Path
    # Whether the user has asked for a log: it stays even where nothing is in it.
    keep: bool
    report: Path | None
    lang: str
    settings: Config
    gate: Callable[[Diagnosis | None], int]
    alerter: Alerter | None
    processes: int
    verbose: bool = False
    _folder: Path = field(default_factory=Path.cwd)

    def tell(self, code: int) -> int:
        """Tell what is there to tell; return the exit code, 1 where we stopped the script or the gate says so."""
        try:
            code = self._tell(code)
        except SystemExit:
            raise  # a signal handler of the script's
        except BaseException as error:  # noqa: BLE001 - the script has run: its exit code is what counts
            self._say(f"{self.log}: {type(error).__name__}: {error}")
        return 1 if self.run.stopped else code

    def _tell(self, code: int) -> int:
        """Return the exit code that the verdict asks for, the script's own but for the gate."""
        words = Words(self.lang)
        if not self.run.steps and not self.run.crashed:
            nothing = self._tell_nothing(words, code)
            self._finish(None, nothing, code)
            return code
        place = self._place(self.log)
        rank_logs.await_ends((rank_logs.path_of(place, other) for other in range(1, self.processes)), _OTHERS)
        diagnosis = self._verdict(place, words)
        self._finish(diagnosis, "", code)
        return code or self.gate(diagnosis)

    def _finish(self, diagnosis: Diagnosis | None, nothing: str, code: int) -> None:
        """Send the last alerts, and how the run ended."""
        if self.alerter is None:
            return
        report = self.report if diagnosis is not None else None
        paths = [str(self._place(path).absolute()) if path else "" for path in (self.log, report)]
        last = last_word(diagnosis, nothing, self.run.target, code, self.run.steps, *paths)
        self.alerter.finish(diagnosis.findings if diagnosis is not None else (), last)

    def _tell_nothing(self, words: Words, code: int) -> str:
        if not self.keep:
            place = self._place(self.run.log)
            place.unlink(missing_ok=True)
            with suppress(OSError):  # something else may be in the folder
                place.parent.rmdir()
        target = self.run.target
        told = words("run.early", target=target, code=code) if code else words("run.nothing", target=target)
        self._say(told)
        return told

    def _verdict(self, place: Path, words: Words) -> Diagnosis:
        """Print the diagnosis, write the report, and return the diagnosis."""
        from trainadvisor.report.text import full_report
        from trainadvisor.report.text.terminal import colored, emit, width

        voice = self.run.voice
        with status(lambda seconds: f"  {words('status.judging', log=place, seconds=int(seconds))}", voice):
            recorded, diagnosis = self._judged(place)
        with suppress(Exception):  # only for the order of both on a terminal
            sys.stdout.flush()
        shown = full_report.render(
            diagnosis, self.lang, width=width(voice), color=colored("auto", voice), verbose=self.verbose
        )
        emit("\n" + shown, voice)
        emit(words("run.more", log=place), voice)
        if self.report is not None:
            self._write(diagnosis, recorded, self._place(self.report), words)
        return diagnosis

    def _judged(self, place: Path) -> tuple[RunLog, Diagnosis]:
        from trainadvisor.log.reader import read_log
        from trainadvisor.telling import diagnose

        recorded = read_log(place)
        return recorded, diagnose(recorded, lang=self.lang, config=self.settings)

    def _write(self, diagnosis: Diagnosis, recorded: RunLog, place: Path, words: Words) -> None:
        from trainadvisor.errors import TrainAdvisorError
        from trainadvisor.page_material import material
        from trainadvisor.report import files

        page = place.suffix == ".html"
        extra = material(recorded, diagnosis, self.lang, self.settings) if page else None
        try:
            files.write(diagnosis, place, self.lang, extra, private=True)
            self._say(words("run.report", path=self.report))
        except TrainAdvisorError as error:
            self._say(str(error))

    def _place(self, path: Path) -> Path:
        """Return a path as it was named, absolute where the script has gone to another folder."""
        with suppress(OSError):  # the folder may be gone
            if Path.cwd() == self._folder:
                return path
        return self._folder / path

    def _say(self, text: str) -> None:
        self.run.voice.line(ours(text, self.lang))
