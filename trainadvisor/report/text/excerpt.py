"""Lines of a person's code as compilers show them: number and line, with a mark under the part that matters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trainadvisor.report.text.layout import cells, clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Finding, Site

NARROWEST = 30
# What is shown before the part that matters, of a line that is too long.
LEAD = 8
DIGITS = 5
CUT = "..."
# Inside of a word: one letter of a name or a number, and another behind it.
WORD = re.compile(r"\w\w")


def shown(finding: Finding, width: int) -> list[str]:
    """Return the lines of a finding's places."""
    return list(excerpts(finding.sites, width))


def excerpts(sites: Sequence[Site], width: int) -> Iterator[str]:
    """Yield the lines of some places; the file stands before the first line of another file."""
    file = sites[0].file if sites else ""
    for site in sites:
        if site.line is None or not site.source:
            continue
        if site.file != file:
            file = site.file
            yield clean(f"{site.file}:")
        indent = len(site.source) - len(site.source.lstrip())
        start, end = (max(1, place - indent) if place else None for place in (site.column, site.end_column))
        yield from excerpt(site.source[indent:], site.line, start, end, width)


def excerpt(text: str, line: int, column: int | None, end: int | None, width: int) -> Iterator[str]:
    """Yield a line and a mark under its columns, from 1; of a long line, what is around them."""
    text = text.replace("\t", " ").replace("\f", " ").rstrip()
    start = min(len(text), (column or 1) - 1)
    stop = min(len(text), max((end or 0) - 1, start + 1)) if column else start
    number = f"{line:>{DIGITS}} | "
    room = max(width - len(number), NARROWEST)
    first = _first(text, start, stop, room)
    lead = CUT if first else ""
    kept = _kept(lead + text[first:], room, least=len(lead) + stop - first if column else 0)
    before = kept[: len(lead) + start - first]
    yield number + clean(kept)
    if column:
        marked = max(1, cells(kept[len(before) : len(before) + stop - start]))
        yield " " * (DIGITS + 1) + "| " + " " * cells(before) + "^" * marked


def _first(text: str, start: int, stop: int, room: int) -> int:
    """Return the first character that is shown, so that the part that matters fits; no word is cut on the way to it."""
    first = 0
    while first < start - LEAD and 2 * len(CUT) + cells(text[first:stop]) > room:
        first += 1
    whole = first
    while whole and whole < start and WORD.match(text, whole - 1):
        whole += 1
    return whole


def _kept(text: str, room: int, least: int) -> str:
    """Return as much of a text as fits, cut behind a whole word unless the part that matters would be cut too."""
    if cells(clean(text)) <= room:
        return text
    kept = text
    while cells(clean(kept)) > room - len(CUT):
        kept = kept[:-1]
    whole = len(kept)
    while whole > least and WORD.match(text, whole - 1):
        whole -= 1
    return (kept[:whole].rstrip() if whole > least else kept) + CUT
