"""What `trainadvisor fix` does: findings become patches, a patch a diff, and the diff, if it is wanted, the file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainadvisor.errors import UsageError, did_you_mean
from trainadvisor.i18n.language import Words
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.mending import source_files
from trainadvisor.mending.config_files import key_of, place_in_files
from trainadvisor.mending.patches import Patch, patch
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.terminal import emit
from trainadvisor.source.edits import applied, diff
from trainadvisor.source.reading import SourceError, parse, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.judge.rulebook import Rulebook
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.reading import Source
    from trainadvisor.telling.told_sources import Found

REFUSED = 1
# Changes that are made of one file.
MOST = 100


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command, as they were given."""

    yes: bool
    dry_run: bool
    every: bool
    code: str | None


def run(log: str | None, lang: str | None, folders: Sequence[str], options: Options) -> int:
    """Mend the script of a log and return the exit code."""
    from trainadvisor import configuration
    from trainadvisor.commands.common import rulebook
    from trainadvisor.commands.runs import find
    from trainadvisor.i18n.language import choose
    from trainadvisor.telling import diagnose

    settings = configuration.load()
    words = Words(choose(lang, settings.lang))
    diagnosis = diagnose(find(log), rules=list(folders), lang=words.lang, config=settings)
    found = _wanted(diagnosis, options)
    if not found:
        emit(words("fix.nothing", summary=diagnosis.summary))
        return 0
    book = rulebook(folders).configured(settings)
    codes = [
        _mend(read(path, _shown(path)), among, book, _Telling(words, _argv(diagnosis)), options)
        for path, among in _by_file(diagnosis, found)
    ]
    return min(codes)


def _wanted(diagnosis: Diagnosis, options: Options) -> list[Finding]:
    """Return the findings that are to be mended."""
    if options.code is None:
        return list(diagnosis.walk()) if options.every else diagnosis.findings[:1]
    found = [finding for finding in diagnosis.walk() if finding.code == options.code]
    if not found:
        hint = did_you_mean(options.code, [finding.code for finding in diagnosis.walk()])
        raise UsageError(f"--code {options.code}: was not found in this run{hint}")
    return found


@dataclass(frozen=True)
class _Telling:
    """The words, and the command line that values may come from."""

    words: Words
    argv: list[str]


def _argv(diagnosis: Diagnosis) -> list[str]:
    given = diagnosis.run.get("argv")
    return [str(part) for part in given] if isinstance(given, list) else []


def _by_file(diagnosis: Diagnosis, found: Sequence[Finding]) -> list[tuple[Path, list[Finding]]]:
    """Return the files that are to be changed, each with its findings: where their edits are, else the script."""
    files: dict[Path, list[Finding]] = {}
    for finding in found:
        places = [edit.file for remedy in finding.remedies for edit in remedy.edits]
        own = next((path for path in map(_here, places) if path is not None), None)
        files.setdefault(own or script_of(diagnosis), []).append(finding)
    return list(files.items())


def _here(name: str) -> Path | None:
    """Return a file of the project by its name in the log, None where it is not here."""
    path = Path(name)
    return path if path.suffix == ".py" and path.is_file() and not path.is_absolute() else None


def script_of(diagnosis: Diagnosis) -> Path:
    """Return the script of a run; UsageError where it is not here."""
    named = Path(str(diagnosis.run.get("script") or ""))
    for place in (named, Path(named.name)):
        if place.suffix == ".py" and place.is_file():
            return place
    raise UsageError(f"{named}: the script of this run is not here; change to its folder, and try again")


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def _check(source: Source, found: Sequence[Finding]) -> None:
    """Raise UsageError where a line that the run recorded is another one now."""
    name = Path(source.name).name
    for site in (site for finding in found for site in finding.sites):
        if Path(site.file).name != name or site.line is None or not site.source:
            continue
        line = source.lines[site.line - 1].strip() if site.line <= len(source.lines) else ""
        if not line or line[:40] != site.source.strip()[:40]:
            raise UsageError(f"{source.name}: line {site.line} has changed since the run; run the script again first")


def _mend(source: Source, found: Sequence[Finding], book: Rulebook, telling: _Telling, options: Options) -> int:
    """Show the changes one by one, each on top of those before it, and write what came of them."""
    _check(source, found)
    words = telling.words
    changed, mended = source, list[str]()
    for finding, made in _patches(source, found, book):
        if made is None or made.text is None:
            emit(f"{finding.code}: {_advice(made, finding, telling)}")
            continue
        again = patch(finding, changed, book) if changed is not source else made
        if again is not None and again.text is not None and again.text != changed.text:
            changed = parse(again.text, source.name)
            mended.append(f"{finding.code}: {finding.title}" + (f"\n  {again.said}" if again.said else ""))
    if not mended:
        return REFUSED
    emit("\n".join(clean(line) for told in mended for line in told.split("\n")))
    code = offer(source, changed.text, words, yes=options.yes, dry_run=options.dry_run)
    if code == 0 and not options.dry_run:
        emit(words("fix.next", name=source.name))
    return code


def offer(source: Source, text: str, words: Words, *, yes: bool, dry_run: bool) -> int:
    """Show a change as a diff and write it, if that is wanted; return the exit code."""
    emit("\n" + "\n".join(clean(line) for line in diff(source, text).split("\n")) + "\n")
    if dry_run or not (yes or _agreed(words, source)):
        emit(words("fix.unwritten", name=source.name))
        return 0 if dry_run else REFUSED
    kept = source_files.write(source, text)
    emit(words("fix.written", name=source.name, kept=words("fix.kept", name=kept) if kept else ""))
    return 0


def mend_sources(found: Sequence[Found], words: Words, *, yes: bool, dry_run: bool) -> int:
    """Mend what lint found, file by file, each change on top of those before it."""
    codes = [
        offer(source, text, words, yes=yes, dry_run=dry_run)
        for source in dict.fromkeys(item.source for item in found)
        if (text := _mended(source, {item.code for item in found if item.source is source})) != source.text
    ]
    return max(codes, default=REFUSED if found else 0)


def _mended(source: Source, codes: set[str]) -> str:
    """Return the text of a source with everything mended that can be, one change after the other."""
    changed = source
    for _ in range(MOST):
        fixes = [match.fix for code, match in matches(changed) if code in codes and match.fix]
        for fix in fixes:
            text = _tried(changed, fix)
            if text is not None and text != changed.text:
                changed = parse(text, source.name)
                break
        else:
            break
    return changed.text


def _tried(source: Source, fix: Fix) -> str | None:
    try:
        return applied(source, fix)
    except SourceError:
        return None


def _patches(source: Source, found: Sequence[Finding], book: Rulebook) -> Iterator[tuple[Finding, Patch | None]]:
    for finding in found:
        yield finding, patch(finding, source, book)


def _agreed(words: Words, source: Source) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("fix: there is nobody to ask here; add --yes to write the change, or --dry-run to see it only")
    return click.confirm(words("fix.ask", name=source.name), default=False)


def _advice(made: Patch | None, finding: Finding, telling: _Telling) -> str:
    """Return what the person can do where no line of the script is to be changed."""
    words = telling.words
    if made is not None and made.kind:
        key = key_of(made.words) if made.kind == "lost" else None
        place = place_in_files(telling.argv, key) if key else None
        kind, said = ("file", place) if place else (made.kind, made.words)
        return clean(words(f"fix.{kind}", words=said, value=made.value))
    text = finding.remedies[0].text if finding.remedies else finding.sentence
    return clean(words("fix.by-hand", text=text))
