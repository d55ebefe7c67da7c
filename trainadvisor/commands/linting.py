"""What `trainadvisor lint` does: paths become sources, sources findings, findings text and an exit code."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainadvisor.commands.outputs import parse as parse_outputs
from trainadvisor.commands.outputs import put
from trainadvisor.errors import UsageError, did_you_mean
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.source.reading import SourceError, read
from trainadvisor.telling.told_sources import Found, told
from trainadvisor.vocabulary import reaches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis
    from trainadvisor.judge.rulebook import Rulebook

FAILED, CANNOT_TELL = 1, 3
SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist", "venv"})


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command, as they were given."""

    fail_on: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    fix: bool
    yes: bool
    dry_run: bool
    forms: tuple[str, ...]
    color: str


def run(paths: Sequence[str], lang: str | None, folders: Sequence[str], options: Options) -> int:
    """Look at the files below some paths and return the exit code."""
    from trainadvisor import configuration
    from trainadvisor.commands.common import SOURCE_FORMS, rulebook
    from trainadvisor.i18n.language import choose

    settings = configuration.load()
    outputs = parse_outputs(options.forms, SOURCE_FORMS)
    book = rulebook(folders).configured(settings)
    chosen = _chosen(book, options)
    words = choose(lang, settings.lang)
    found, count, unread = look(files(paths or ["."]), chosen)
    if options.fix:
        from trainadvisor.commands.offering import mend_sources
        from trainadvisor.i18n.language import Words

        return mend_sources(found, Words(words), yes=options.yes, dry_run=options.dry_run)
    diagnosis = told(found, book, words, count, unread)
    for output in outputs:
        put(_text(output.form, diagnosis, found, book, words, options), output.file)
    return _code(diagnosis, options.fail_on)


def look(paths: Iterable[tuple[Path, str]], chosen: set[str]) -> tuple[list[Found], int, list[str]]:
    """Return what is found in some files, how many were read, and why others were not."""
    found: list[Found] = []
    count, unread = 0, []
    for path, name in paths:
        try:
            source = read(path, name)
            count += 1
            found += [Found(source, code, match) for code, match in matches(source) if code in chosen]
        except SourceError as error:
            unread.append(str(error))
    return found, count, unread


def files(paths: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Yield the Python files of some paths, each with its name as it is shown."""
    for text in paths:
        path = Path(text)
        if path.is_dir():
            yield from ((inner, str(inner)) for inner in _below(path))
        elif path.exists():
            yield path, text
        else:
            message = f"{text}: no such file or folder; check the path"
            raise UsageError(message)


def _below(folder: Path) -> Iterator[Path]:
    for root, names, entries in os.walk(folder):
        names[:] = sorted(n for n in names if n not in SKIPPED and not n.startswith("."))
        yield from (Path(root) / entry for entry in sorted(entries) if entry.endswith(".py"))


def _chosen(book: Rulebook, options: Options) -> set[str]:
    """Return the codes that are looked for."""
    known = {code: rule for code, rule in book.rules.items() if rule.source is not None and code not in book.off}
    names = {*book.rules, *book.families}
    for flag, given in (("--select", options.select), ("--ignore", options.ignore)):
        for name in given:
            if name not in names:
                message = f"{flag} {name}: no rule or family is called so{did_you_mean(name, names)}"
                raise UsageError(message)
    picked = {c for c, r in known.items() if not options.select or {c, r.family} & set(options.select)}
    return {code for code in picked if not {code, known[code].family} & set(options.ignore)}


def _code(diagnosis: Diagnosis, fail_on: str) -> int:
    if any(reaches(finding.severity, fail_on) for finding in diagnosis.findings):
        return FAILED
    return CANNOT_TELL if diagnosis.notes else 0


def _text(form: str, diagnosis: Diagnosis, found: list[Found], book: Rulebook, lang: str, options: Options) -> str:
    from trainadvisor.report import formats
    from trainadvisor.report.machine.gate_entries import Entry
    from trainadvisor.report.text import source_findings
    from trainadvisor.report.text.terminal import colored, width

    if form == "text":
        places = [(item.source, item.match.node) for item in found]
        return source_findings.render(diagnosis, places, lang, width=width(), color=colored(options.color))
    return formats.render_all(form, [Entry(diagnosis)], lang, book)
