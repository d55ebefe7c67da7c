"""Writes changes of files: each is shown as a diff first, and written where that is wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from trainadvisor.errors import UsageError
from trainadvisor.lint.pattern_catalogue import matches
from trainadvisor.mending import source_files
from trainadvisor.mending.patches import site_of
from trainadvisor.report.text.layout import clean
from trainadvisor.report.text.terminal import emit
from trainadvisor.source.edits import applied, diff
from trainadvisor.source.reading import SourceError, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainadvisor.i18n.language import Words
    from trainadvisor.source.edits import Fix
    from trainadvisor.source.reading import Source
    from trainadvisor.telling.told_sources import Found

REFUSED = 1
# Changes that are made of one file.
MOST = 100


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
    for item in found:
        if not item.match.fix:
            place = site_of(item.source, item.match.node)
            emit(clean(words("fix.left", name=item.source.name, line=place.line, code=item.code)))
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


def _agreed(words: Words, source: Source) -> bool:
    if not sys.stdin.isatty():
        raise UsageError("fix: nothing was changed: it asks first, and this is no terminal; "
                         "add --yes to write the change, or --dry-run to see it only")  # fmt: skip
    return click.confirm(words("fix.ask", name=source.name), default=False)
