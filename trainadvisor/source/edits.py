"""Changes of a source's text, made from its tree: a node replaced, lines put beside a statement, one taken away."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from trainadvisor.source.own_imports import in_own_names, place_of_import
from trainadvisor.source.reading import SourceError, parse, span_of
from trainadvisor.source.syntax import keyword

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from trainadvisor.source.reading import Source

Place = tuple[int, int]


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of the text, from one place to another (line from 1, character from 0), and what takes its place."""

    start: Place
    end: Place
    new: str


Fix = tuple[Span, ...]


def replaced(source: Source, node: ast.AST, new: str) -> Span:
    """Return the span that writes something else for a node."""
    start, end = span_of(source, node)
    return Span(start, end, new)


def indent_of(source: Source, statement: ast.stmt) -> str:
    """Return the white space before a statement."""
    line = source.lines[statement.lineno - 1]
    return line[: len(line) - len(line.lstrip())]


def stands_alone(source: Source, statement: ast.stmt) -> bool:
    """Return whether a statement has its lines for itself: no other before or behind it."""
    (first, start), (last, end) = span_of(source, statement)
    before, behind = source.lines[first - 1][:start], source.lines[last - 1][end:].strip()
    return not before.strip() and (not behind or behind.startswith("#"))


def before(source: Source, statement: ast.stmt, *lines: str) -> Fix | None:
    """Return the span that puts lines before a statement, at its indentation."""
    if not stands_alone(source, statement):
        return None
    indent, place = indent_of(source, statement), (_first_line(statement), 0)
    return (Span(place, place, "".join(f"{indent}{line}\n" for line in lines)),)


def after(source: Source, statement: ast.stmt, *lines: str) -> Fix | None:
    """Return the span that puts lines behind a statement, at its indentation."""
    if not stands_alone(source, statement):
        return None
    indent, last = indent_of(source, statement), statement.end_lineno or statement.lineno
    place = (last, len(source.lines[last - 1]))
    return (Span(place, place, "".join(f"\n{indent}{line}" for line in lines)),)


def without(source: Source, statement: ast.stmt, block: Sequence[ast.stmt]) -> Fix | None:
    """Return the span that takes a statement away with its lines; the only one of its block becomes `pass`."""
    if not stands_alone(source, statement):
        return None
    if len(block) == 1:
        return (replaced(source, statement, "pass"),)
    last = statement.end_lineno or statement.lineno
    if last < len(source.lines):
        return (Span((_first_line(statement), 0), (last + 1, 0), ""),)
    return (replaced(source, statement, ""),)


def moved(source: Source, statement: ast.stmt, block: Sequence[ast.stmt], target: ast.stmt) -> Fix | None:
    """Return the spans that move a statement before another one."""
    taken = without(source, statement, block)
    lines = [line.strip() for line in source.segment(statement).split("\n")]
    put = before(source, target, *lines) if len(lines) == 1 else None
    return (*put, *taken) if put and taken else None


def moved_behind(source: Source, statement: ast.stmt, block: Sequence[ast.stmt], target: ast.stmt) -> Fix | None:
    """Return the spans that move a statement behind another one of its block, as it is written."""
    taken = without(source, statement, block)
    lines = source.segment(statement).split("\n")
    shift = after(source, target, lines[0]) if stands_alone(source, statement) else None
    if not taken or not shift or indent_of(source, statement) != indent_of(source, target):
        return None
    put = Span(shift[0].start, shift[0].end, "\n".join([shift[0].new, *lines[1:]]))
    return (*taken, put)


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(node.lineno for node in decorators)])


def with_argument(source: Source, call: ast.Call, name: str, value: str, place: int | None = None) -> Span | None:
    """Return the span that gives a call an argument; None where it may be hidden in *args or **kwargs."""
    present = keyword(call, name, place)
    if present is not None:
        return replaced(source, present, value)
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    given = [*call.args, *(k.value for k in call.keywords)]
    if not given:
        _, (line, column) = span_of(source, call)
        return Span((line, column - 1), (line, column - 1), f"{name}={value}")
    end = max(span_of(source, node)[1] for node in given)
    return Span(end, end, f", {name}={value}")


def without_argument(source: Source, call: ast.Call, node: ast.expr) -> Span | None:
    """Return the span that takes a positional argument or element out of a call, with its comma."""
    return _without_element(source, call.args, node)


def _without_element(source: Source, elements: Sequence[ast.expr], node: ast.expr) -> Span | None:
    place = next((n for n, element in enumerate(elements) if element is node), None)
    if place is None or len(elements) == 1:
        return None
    if place:
        return Span(span_of(source, elements[place - 1])[1], span_of(source, node)[1], "")
    return Span(span_of(source, node)[0], span_of(source, elements[1])[0], "")


def unwrapped(source: Source, call: ast.expr, inner: ast.expr) -> Span:
    """Return the span that writes the value for a call of it."""
    text = source.segment(inner)
    return replaced(source, call, f"({text})" if isinstance(inner, (ast.BinOp, ast.BoolOp, ast.Compare)) else text)


def _in_own_names(source: Source, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans with parts of torch called as the source calls them, and those that import what it lacks."""
    lacking: list[str] = []
    for span in spans:
        text, missing = in_own_names(source.tree, span.new, span.start[0])
        lacking += missing
        yield replace(span, new=text)
    for module in dict.fromkeys(lacking):
        yield from before(source, place_of_import(source.tree), f"import {module}") or ()


def applied(source: Source, spans: Iterable[Span]) -> str:
    """Return the text with the spans written in the names that the source imports.

    SourceError where two of them overlap or no Python comes out.
    """
    lines = source.lines
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    text, reached = source.text, len(source.text) + 1
    for span in sorted(set(_in_own_names(source, spans)), reverse=True):
        start, end = starts[span.start[0] - 1] + span.start[1], starts[span.end[0] - 1] + span.end[1]
        if end > reached or start > end:
            raise SourceError(f"{source.name}: two changes of line {span.start[0]} exclude each other")
        text, reached = text[:start] + span.new + text[end:], start
    parse(text, source.name)
    return text


def diff(source: Source, text: str) -> str:
    """Return a change of the text as a unified diff."""
    name = source.name.replace("\\", "/")
    lines = difflib.unified_diff(source.text.splitlines(), text.splitlines(), f"a/{name}", f"b/{name}", lineterm="")
    return "\n".join(lines)
