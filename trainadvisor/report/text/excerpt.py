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
        yield from excerpt(site.source, site.line, site.column, site.end_column, width)


def excerpt(text: str, line: int, column: int | None, end: int | None, width: int) -> Iterator[str]:
    """Yield a line and a mark under its columns, from 1; of a long line, what is around them."""
    text = text.replace("\t", " ").replace("\f", " ").rstrip()
    indent = len(text) - len(text.lstrip())
    text = text[indent:]
    start = max(0, (column or 1) - 1 - indent)
    stop = min(len(text), max((end or 0) - 1 - indent, start + 1)) if column else start
    number = f"{line:>{DIGITS}} | "
    room = max(width - len(number), NARROWEST)
    first = max(0, min(start - LEAD, len(text) - room)) if cells(text) > room else 0
    kept = text[first : first + room]
    if first:
        kept = CUT + kept[len(CUT) :]
    while cells(clean(kept)) > room:
        kept = kept[:-1]
    yield number + clean(kept)
    if column:
        marked = max(1, cells(text[start : min(stop, first + len(kept))]))
        yield " " * (DIGITS + 1) + "| " + " " * cells(text[first:start]) + "^" * marked
