"""What `trainadvisor check` does: options become a policy, logs a decision, the decision files and text."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor import baseline as baselines
from trainadvisor import gate
from trainadvisor.commands.common import coloured, emit, width
from trainadvisor.errors import LogError, UsageError, did_you_mean
from trainadvisor.language import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainadvisor.config import Config
    from trainadvisor.diagnose.result import Diagnosis
    from trainadvisor.diagnose.rulebook import Rulebook

UNITS = {"": 1, "k": 1000, "m": 1_000_000}


@dataclass(frozen=True)
class Options:
    """The options of the command, as they were given."""

    fail_on: str | None
    min_confidence: str | None
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    baseline: Path | None
    update_baseline: bool
    require: tuple[str, ...]
    min_steps: int | None
    aggregate: str
    allow_undecided: bool
    exit_zero: bool
    forms: tuple[str, ...]
    max_bytes: str | None
    color: str


@dataclass(frozen=True)
class Output:
    """One wanted form and the file it goes to, None for the standard output."""

    form: str
    file: Path | None


def run(logs: Sequence[str], lang: str | None, folders: Sequence[str], options: Options) -> int:
    """Check the logs and return the exit code."""
    from trainadvisor import config
    from trainadvisor.commands.common import rulebook
    from trainadvisor.language import choose

    settings = config.load()
    outputs = _outputs(options)
    size = _size(options.max_bytes)
    book = rulebook(folders).configured(settings)
    policy = _policy(options, settings, book)
    words = Words(choose(lang, settings.lang))
    path = options.baseline or settings.baseline
    known = None if options.update_baseline or path is None else baselines.read(path)
    runs = _diagnose(logs, folders, words.lang, settings)
    if options.update_baseline:
        return _update(path, runs, policy, words)
    decision = gate.decide(runs, policy, known)
    code = _code(decision, options)
    teller = _Teller(decision, policy, words, book, code, known, size)
    teller.source = _source(settings)
    for output in outputs:
        _put(teller.text(output.form, color=options.color), output.file)
    return code


def _code(decision: gate.Decision, options: Options) -> int:
    let_through = {gate.UNDECIDED: options.allow_undecided, gate.FAIL: options.exit_zero}
    return 0 if let_through.get(decision.outcome) else decision.exit_code


def _diagnose(logs: Sequence[str], folders: Sequence[str], lang: str, settings: Config) -> list[Diagnosis]:
    from trainadvisor.commands.runs import find
    from trainadvisor.diagnose import diagnose

    paths = [find(log) for log in logs] or [find(None)]
    return [diagnose(path, rules=list(folders), lang=lang, config=settings) for path in paths]


def _policy(options: Options, settings: Config, book: Rulebook) -> gate.Policy:
    from trainadvisor.requirements import parse
    from trainadvisor.settings import CONFIDENCE

    for flag, names in (("--select", options.select), ("--ignore", options.ignore)):
        _known(flag, names, [*book.rules, *book.families])
    _known("[[accept]]", [accepted.code for accepted in settings.accept], book.rules)
    wanted = {requirement.metric: requirement for requirement in settings.require}
    given = [parse(text) for text in options.require]
    kept = [requirement for metric, requirement in wanted.items() if metric not in {new.metric for new in given}]
    return gate.Policy(
        fail_on=options.fail_on or settings.fail_on or "error",
        min_confidence=CONFIDENCE[options.min_confidence or settings.min_confidence or "medium"],
        select=options.select,
        ignore=options.ignore,
        min_steps=settings.min_steps or 0 if options.min_steps is None else options.min_steps,
        require=(*kept, *given),
        accept=settings.accept,
        preview=frozenset(code for code, rule in book.rules.items() if rule.preview),
        aggregate=options.aggregate,
        settings=_rule_settings(settings),
    )


def _known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    known = list(known)
    for name in names:
        if name not in known:
            message = f"{where} {name}: neither a code nor a family{did_you_mean(name, known)}"
            raise UsageError(message)


def _rule_settings(settings: Config) -> dict[str, object]:
    """Return what the project has changed of each rule, by code."""
    changed = {**settings.thresholds, **settings.ignored}
    return {code: [dict(settings.thresholds.get(code, {})), settings.ignored.get(code)] for code in changed}


def _source(settings: Config) -> str:
    """Return where the policy is written, if it is."""
    keys = ("fail-on", "min-confidence", "min-steps", "baseline", "require", "accept")
    places = [origin for name, (_, origin) in settings.entries.items() if name.partition(".")[0] in keys]
    return ", ".join(dict.fromkeys(Path(place).name for place in places))


def _update(path: Path | None, runs: list[Diagnosis], policy: gate.Policy, words: Words) -> int:
    if path is None:
        message = "--update-baseline: into which file? add --baseline FILE, or set baseline in pyproject.toml"
        raise UsageError(message)
    unsure = next((run for run in runs if run.state == "cannot-tell"), None)
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
        from trainadvisor.report import formats, gate_document, gated

        if form == "text":
            return self._page(color)
        if form == "json":
            return gate_document.render(self._decision, self._code, self._size)
        entries = gated.entries(self._decision, self._words.lang)
        return formats.FORMATS[form](entries, self._words.lang, self._book)

    def _page(self, color: str) -> str:
        from trainadvisor.report import gated

        page = gated.render(
            self._decision,
            self._policy,
            self._words.lang,
            width=width(),
            colour=coloured(color),
            source=self.source,
            new_only=self._known is not None,
            code=self._code,
        )
        runs = [run.diagnosis for run in self._decision.runs]
        left = gated.references(self._words, runs, self._known.metrics) if self._known else []
        return "\n".join([*(f"  {line}" for line in left), page])


def _outputs(options: Options) -> list[Output]:
    """Read --format; everything wrong with it is said before a log is read."""
    from trainadvisor.commands.check import NAMES

    outputs = [_output(text, NAMES) for text in options.forms]
    printed = [output.form for output in outputs if output.file is None]
    if len(printed) > 1:
        asked = " ".join(f"--format {form}" for form in printed)
        message = f"{asked}: only one can be printed; write the others to files, as {printed[1]}=FILE"
        raise UsageError(message)
    return outputs if printed else [*outputs, Output("text", None)]


def _output(text: str, names: Sequence[str]) -> Output:
    form, equals, file = text.partition("=")
    if form not in names:
        message = (
            f"--format {text}: no format is called {form}{did_you_mean(form, names)}; choose from {', '.join(names)}"
        )
        raise UsageError(message)
    if equals and (not file or not Path(file).parent.is_dir()):
        message = (
            f"--format {text}: there is no folder for the file; make it first"
            if file
            else f"--format {text}: names no file"
        )
        raise UsageError(message)
    return Output(form, Path(file) if equals else None)


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = (text[:-1], text[-1].lower()) if text[-1:].isalpha() else (text, "")
    if not number.isdecimal() or unit not in UNITS:
        message = f"--max-bytes {text}: must be a number of bytes, such as 256k"
        raise UsageError(message)
    return int(number) * UNITS[unit]


def _put(text: str, file: Path | None) -> None:
    if file is None:
        emit(text)
        return
    summary = str(file) == os.environ.get("GITHUB_STEP_SUMMARY")  # several steps write into that file
    try:
        with file.open("a" if summary else "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
    except OSError as error:
        message = f"{file}: cannot be written ({error.strerror}); choose another place"
        raise LogError(message) from error
