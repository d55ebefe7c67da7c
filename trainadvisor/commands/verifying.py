"""What `trainadvisor verify` prints, and where its documents go."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from trainadvisor.errors import LogError, TrainAdvisorError, UsageError
from trainadvisor.status_line import StatusLine
from trainadvisor.verify.earlier import USUAL
from trainadvisor.verify.outcome_words import number
from trainadvisor.verify.progress import Progress

if TYPE_CHECKING:
    from trainadvisor.configuration import Config
    from trainadvisor.i18n.language import Words
    from trainadvisor.trials.jobs import Change
    from trainadvisor.verify.plan import Candidate
    from trainadvisor.verify.session import Request, Session
    from trainadvisor.verify.trial_runs import Run, Tried
    from trainadvisor.verify.verify_result import Verification

LOGS = (".json", ".gz", ".zst")
# Bytes at the start of a document that tell its form.
HEAD = 256
EXITS = {"verified": 0, "nothing-to-cure": 0, "none-helped": 1, "promising": 3, "not-judged": 3}


def refusal(change: Change) -> str | None:
    """Return why a change cannot be made from outside, None when it can be tried."""
    from trainadvisor.changes.catalogue import chosen

    try:
        chosen([change.spec()])
    except UsageError as error:
        return str(error)
    return None


class Printed(Progress):
    """Prints lines of plain text."""

    def __init__(self, words: Words, *, in_place: bool, stream: TextIO | None = None) -> None:
        """Take the language and where to print."""
        self._words, self._stream, self._in_place = words, stream or sys.stderr, in_place
        self._status, self._until, self._runs = StatusLine(), 0.0, 0

    def _say(self, text: str, indent: str = "  ") -> None:
        from trainadvisor.report.text.layout import clean

        self._status.erase()
        print(indent + clean(" ".join(text.split())), file=self._stream, flush=True)

    def _going_on(self, what: str) -> None:
        """Tell a terminal, from now on, what runs and how much of the budget is left."""

        def told(seconds: float) -> str:
            done, left = self._words.count("runs", self._runs), max(0, round(self._until - time.monotonic()))
            return "  " + self._words("status.verify", what=what, count=done, seconds=int(seconds), left=left)

        self._status.show(told)

    def started(self, target: str, budget: float) -> None:
        """Say what is about to happen, and where."""
        where = self._words("verify.in-place" if self._in_place else "verify.scratch")
        self._say(self._words("verify.start", target=target, budget=budget, where=where), "")
        self._until = time.monotonic() + budget
        self._going_on(self._words("status.unchanged", target=target))

    def baseline(self, run: Run) -> None:
        """Say what the unmodified run was like."""
        from trainadvisor.verify.trial_runs import last_line

        self._runs += 1
        if run.outcome.stopped == "limit":  # its log breaks off because we have ended it
            self._say(self._words("verify.no-baseline.limit", seconds=f"{run.outcome.seconds:.0f}"))
            return
        if run.diagnosis is None:
            self._say(self._words("verify.no-baseline", reason=last_line(run.outcome)))
            return
        cut = self._words("verify.cut") if run.cut else ""
        steps, seconds = self._words.number(run.steps), f"{run.outcome.seconds:.1f}"
        summary = run.diagnosis.summary
        self._say(self._words("verify.baseline", steps=steps, seconds=seconds, cut=cut, summary=summary))

    def by_hand(self, code: str, text: str) -> None:
        """Say that the change of the finding is one in the code."""
        self._say(self._words("verify.by-hand", code=code, text=text))

    def trying(self, number: int, count: int, candidate: Candidate) -> None:
        """Say what is tried."""
        self._say(told := self._words("verify.trying", number=number, count=count, what=candidate.label()))
        self._going_on(told)

    def judged(self, tried: Tried) -> None:
        """Say what came of it."""
        self._runs += 1
        from trainadvisor.report.text.verification import verdict

        trial = tried.trials[-1]
        text = self._words(
            "verify.judged", verdict=verdict(trial, self._words), figures=self._figures(tried),
            seconds=f"{trial.seconds:.1f}",
        )  # fmt: skip
        self._say(text, "      ")

    def _figures(self, tried: Tried) -> str:
        from trainadvisor.report.text.verification import deciding, detail

        words, trial = self._words, tried.trials[-1]
        figures = [
            words("verify.figure", metric=words.metric(i.name), after=number(i.after), before=number(i.before))
            for i in deciding(trial.verdict, tried.compared)
        ]
        why = [detail(trial, words)] if trial.detail else []
        count = len(tried.trials)
        means = [words("verify.mean", count=count)] if figures and count > 1 else []
        told = words("clause").join([*why, *figures, *means])
        return words("colon") + told if told else ""

    def repeating(self, number: int, count: int, candidate: Candidate) -> None:
        """Say which seed is tried."""
        self._say(
            told := self._words("verify.repeating", number=number, count=max(number, count), what=candidate.label())
        )
        self._going_on(told)

    def repeated(self, tried: Tried) -> None:
        """Say how it stands now."""
        self.judged(tried)

    def ended(self) -> None:
        """Take the status line away."""
        self._status.end()


def end_politely() -> None:
    """Let a request to end (SIGTERM, as a CI system sends it) do what Ctrl-C does: keep what was learned."""
    import signal

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def is_log(target: str) -> bool:
    """Return whether what is to be verified is a log or a run's folder, not a script."""
    from trainadvisor.commands.runs import RUNS

    path = Path(target)
    return path.suffix in LOGS or path.is_dir() or (not path.exists() and bool(target) and (RUNS / target).is_dir())


def check(request: Request, out: Path, report: Path | None, apply_to: Path | None) -> None:
    """Refuse what cannot work before anything is run."""
    from trainadvisor.commands.script_targets import check_target
    from trainadvisor.report import files

    if not request.module:
        check_target(request.target, "verify")
    _check_own(out)
    for path in filter(None, (out, apply_to)):
        if not path.parent.is_dir():
            message = f"{path}: there is no folder {path.parent}; make it first"
            raise UsageError(message)
    if report is not None:
        files.check(report)


def _check_own(out: Path) -> None:
    """Refuse to write the document over a file that is none."""
    from trainadvisor.verify.verify_result import SCHEMA

    try:
        with out.open("rb") as file:
            known = out.is_file() and SCHEMA.encode() in file.read(HEAD)
    except OSError:
        return  # a new file; what cannot be written is said by the folder's check
    if not known:
        message = f"--out {out}: is there already and no document of verify; choose another name"
        raise UsageError(message)


def check_code(code: str | None) -> None:
    """Refuse a code that no rule has."""
    if code is None:
        return
    from trainadvisor.commands.common import rulebook
    from trainadvisor.errors import did_you_mean

    known = list(rulebook().rules)
    if code not in known:
        message = f"{code}: no rule has this code{did_you_mean(code, known)}"
        raise UsageError(message)


def save(text: str, path: Path) -> None:
    """Write a text file; LogError when that fails."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); choose another place"
        raise LogError(message) from error


def write_report(session: Session, document: Verification, path: Path, settings: Config) -> None:
    """Write the diagnosis with its verified remedies, in the form of the file's ending."""
    from trainadvisor.i18n.language import Words
    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.page_material import material
    from trainadvisor.report import files
    from trainadvisor.verify.annotate import marked
    from trainadvisor.verify.answer import held, verified

    baseline = session.baseline
    if document.diagnosis is None or session.diagnosis is None or baseline is None or baseline.log is None:
        message = f"{path}: no report, nothing was diagnosed"
        raise TrainAdvisorError(message)
    diagnosis = Diagnosis.model_validate(document.diagnosis)
    extra = None
    if path.suffix == ".html":
        extra = material(baseline.log, session.diagnosis, session.lang, settings)
        others = {}
        for lang in extra.others:
            session.lang, own = lang, session.lang
            found = [verified(session, tried, None) for tried in held(session)]
            others[lang] = marked(extra.others[lang], session.tried, found, Words(lang))
            session.lang = own
        extra = type(extra)(others, extra.curves, extra.rules)
    files.write(diagnosis, path, session.lang, extra)


def next_command(session: Session, document: Verification, out: Path) -> str | None:
    """Return the command that writes the verified change of the user's own lines, None where none does.

    `fix` reads the document of verify where it has its usual name, and writes what that found to work.
    """
    baseline, request = session.baseline, session.request
    if document.answer != "verified" or baseline is None or not baseline.outcome.log.is_file() or request.module:
        return None
    best = document.verified[0]
    if not best.edits or out != USUAL:
        return None
    code = ["--code", best.code] if best.code else []
    return shlex.join(["trainadvisor", "fix", os.path.relpath(baseline.outcome.log), *code])
