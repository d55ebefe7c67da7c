"""What `trainadvisor check` does: options become a policy, logs a decision, the decision files and text."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.commands.outputs import parse, put
from trainadvisor.errors import UsageError
from trainadvisor.gate import baseline as baselines
from trainadvisor.gate import decision as gate
from trainadvisor.gate import policy as gating
from trainadvisor.i18n.language import Words
from trainadvisor.report import formats
from trainadvisor.report.text.terminal import colored, emit, width

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook

UNITS = {"": 1, "k": 1000, "m": 1_000_000}


@dataclass(frozen=True, kw_only=True)
class Options(gating.Wanted):
    """The options of the command, as they were given."""

    update_baseline: bool
    allow_undecided: bool
    exit_zero: bool
    forms: tuple[str, ...]
    max_bytes: str | None
    color: str


def run(logs: Sequence[str], lang: str | None, folders: Sequence[str], options: Options) -> int:
    """Check the logs and return the exit code."""
    from trainadvisor import configuration
    from trainadvisor.commands.common import rulebook
    from trainadvisor.i18n.language import choose

    settings = configuration.load()
    outputs = parse(options.forms, formats.CHECK)
    size = _size(options.max_bytes)
    book = rulebook(folders).configured(settings)
    policy = gating.policy(options, settings, book)
    words = Words(choose(lang, settings.lang))
    path = gating.place(options, settings)
    if options.update_baseline and path is not None:
        baselines.check_own(path)
    known = None if options.update_baseline else gating.known(options, settings)
    runs = _diagnose(logs, book, words.lang)
    if options.update_baseline:
        return _update(path, runs, policy, words)
    decision = gate.decide(runs, policy, known)
    code = _code(decision, options)
    teller = _Teller(decision, policy, words, book, code, known, size)
    teller.source, teller.chosen = gating.source(settings), not logs
    for output in outputs:
        put(teller.text(output.form, color=options.color), output.file)
    return code


def _code(decision: gate.Decision, options: Options) -> int:
    let_through = {gate.UNDECIDED: options.allow_undecided, gate.FAIL: options.exit_zero}
    return 0 if let_through.get(decision.outcome) else decision.exit_code


def _diagnose(logs: Sequence[str], book: Rulebook, lang: str) -> list[Diagnosis]:
    from trainadvisor import garbage
    from trainadvisor.commands.common import judging
    from trainadvisor.commands.runs import find
    from trainadvisor.importers.foreign_logs import read_log
    from trainadvisor.judge.trainings import judge_trainings
    from trainadvisor.telling import told

    runs = []
    for path in [find(log) for log in logs] or [find(None)]:
        with judging(path, lang), garbage.later():
            runs.append(told(judge_trainings(read_log(path), book), lang))
    return runs


def _update(path: Path | None, runs: list[Diagnosis], policy: gate.Policy, words: Words) -> int:
    if path is None:
        message = "--update-baseline: into which file? add --baseline FILE, or set baseline in pyproject.toml"
        raise UsageError(message)
    unsure = next((run for run in runs if gate.is_in_doubt(run)), None)
    if unsure is not None:
        emit(words("gate.unsaved", summary=unsure.summary), sys.stderr)
        return gate.EXIT[gate.UNDECIDED]
    made = baselines.make(runs, policy.settings)
    baselines.write(made, path)
    emit(words("gate.saved", path=path, count=len(made.findings)))
    return 0


class _Teller:
    """Puts one decision into words, in any form."""

    source = ""
    chosen = False

    def __init__(
        self,
        decision: gate.Decision,
        policy: gate.Policy,
        words: Words,
        book: Rulebook,
        code: int,
        known: baselines.Baseline | None,
        size: int | None,
    ) -> None:
        self._decision, self._policy, self._words, self._book = decision, policy, words, book
        self._code, self._known, self._size = code, known, size

    def text(self, form: str, *, color: str) -> str:
        """Return the decision in a form."""
        from trainadvisor.report.machine import gate_document
        from trainadvisor.report.text import gate_report

        if form == "text":
            return self._page(color)
        if form == "json":
            return gate_document.render(self._decision, self._code, self._size)
        entries = gate_report.entries(self._decision, self._words.lang)
        return formats.render_all(form, entries, self._words.lang, self._book)

    def _page(self, color: str) -> str:
        from trainadvisor.report.text import gate_report

        page = gate_report.render(
            self._decision,
            self._policy,
            self._words.lang,
            width=width(),
            color=colored(color),
            source=self.source,
            new_only=self._known is not None,
            code=self._code,
        )
        runs = [run.diagnosis for run in self._decision.runs]
        first = [self._words("gate.log", log=gate_report.name(runs[0]))] if self.chosen else []
        left = gate_report.references(self._words, runs, self._known.metrics) if self._known else []
        return "\n".join([*first, *(f"  {line}" for line in left), page])


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    if not number.isdecimal() or unit not in UNITS:
        message = f"--max-bytes {text}: must be a number of bytes, such as 256k"
        raise UsageError(message)
    return int(number) * UNITS[unit]
