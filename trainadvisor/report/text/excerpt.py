"""Lines of a person's code as compilers show them: number and line, with a mark under the part that matters."""

from __future__ import annotations

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
    kept = CUT + text[first + len(CUT) :] if first else text
    before = kept[: start - first]
    while cells(clean(kept)) > room:
        kept = kept[:-1]
    yield number + clean(kept)
    if column:
        marked = max(1, cells(kept[start - first : stop - first]))
        yield " " * (DIGITS + 1) + "| " + " " * cells(before) + "^" * marked


def _first(text: str, start: int, stop: int, room: int) -> int:
    """Return the first character that is shown, so that the part that matters fits."""
    first = 0
    while first < start - LEAD and cells(text[first:stop]) > room:
        first += 1
    return first
