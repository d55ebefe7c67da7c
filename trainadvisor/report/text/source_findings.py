"""Findings in sources as compilers show them: the place, its line with a mark under the part, the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.text.layout import cells, clean, wrap
from trainadvisor.source.reading import span_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator, Sequence

    from trainadvisor.judge.result import Diagnosis, Finding
    from trainadvisor.source.reading import Source

NARROWEST = 40


def render(
    diagnosis: Diagnosis,
    places: Sequence[tuple[Source, ast.AST]],
    lang: str,
    *,
    width: int = 100,
    colour: bool = False,
) -> str:
    """Return the findings, each with its lines, then what could not be read, then the sum."""
    del colour
    words, room = Words(lang), max(width, NARROWEST)
    blocks = [
        "\n".join(_block(finding, source, node, words, room))
        for finding, (source, node) in zip(diagnosis.findings, places, strict=True)
    ]
    blocks += [clean(note) for note in diagnosis.notes]
    return "\n\n".join([*blocks, diagnosis.summary])


def _block(finding: Finding, source: Source, node: ast.AST, words: Words, width: int) -> Iterator[str]:
    (line, start), (last, end) = span_of(source, node)
    yield clean(f"{source.name}:{line}:{start + 1}: {finding.severity}: {finding.code}: {finding.title}")
    yield from excerpt(source, line, start, end if last == line else None, width)
    yield from (f"  {part}" for part in wrap(clean(finding.sentence), width - 2))
    for other in finding.sites[1:]:
        yield clean(f"  {words('lint.with')} {other.where}: {other.source or ''}")[:width]
    remedy = finding.remedies[0]
    yield from (f"  {part}" for part in wrap(f"{words('lint.fix')} {clean(remedy.text)}", width - 2))
    for edit in remedy.edits:
        yield from (f"    {clean(part)}" for part in edit.diff().split("\n"))


def excerpt(source: Source, line: int, start: int, end: int | None, width: int) -> Iterator[str]:
    """Yield a line of a source with a mark under a part of it; of a long line, what is around the part."""
    text = source.lines[line - 1].replace("\t", " ").replace("\f", " ")
    number = f"{line:>5} | "
    room = max(width - len(number), NARROWEST)
    stop = min(end if end is not None else len(text), len(text))
    first = max(0, min(start - 8, len(text) - room)) if len(text) > room else 0
    shown = clean(text[first : first + room])
    yield number + shown
    marked = max(1, cells(text[start : min(stop, first + room)]))
    yield " " * (len(number) - 2) + "| " + " " * cells(text[first:start]) + "^" * marked
