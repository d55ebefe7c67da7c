"""Findings in sources as compilers show them: the place, its line with a mark under the part, the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainadvisor.i18n.language import Words
from trainadvisor.report.text.excerpt import excerpt
from trainadvisor.report.text.layout import clean, wrap
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
    color: bool = False,
) -> str:
    """Return the findings, each with its lines, then what could not be read, then the sum."""
    del color
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
    text = source.lines[line - 1]
    yield from excerpt(text, line, start + 1, (end if last == line else len(text)) + 1, width)
    yield from (f"  {part}" for part in wrap(clean(finding.sentence), width - 2))
    for other in finding.sites[1:]:
        yield clean(f"  {words('lint.with')} {other.where}: {other.source or ''}")[:width]
    remedy = finding.remedies[0]
    yield from (f"  {part}" for part in wrap(f"{words('fix')}{words('colon')}{clean(remedy.text)}", width - 2))
    for edit in remedy.edits:
        yield from (f"    {clean(part)}" for part in edit.diff().split("\n"))
