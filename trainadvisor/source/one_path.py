"""Whether one run of a function can come from one place to another: branches exclude each other, a return ends it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)


def one_path(parents: Mapping[ast.AST, ast.AST], first: ast.AST, second: ast.AST) -> bool:
    """Return whether a run that was surely at the first place can come to the second, behind it in the same function.

    What is tried is not sure where its exception is caught. Of a loop around both, one pass counts.
    """
    way, behind = _way(parents, first), _way(parents, second)
    meeting = next(n for n in way if n in behind)
    if any(isinstance(_last_beside(parents, n), _ENDS) for n in way[: way.index(meeting)] if n not in behind):
        return False
    return not in_other_branch(parents, first, second) and not _caught(meeting, way, behind)


def in_other_branch(parents: Mapping[ast.AST, ast.AST], first: ast.AST, second: ast.AST) -> bool:
    """Return whether two nodes are in two branches of one condition, or in two cases of one match."""
    way, behind = _way(parents, first), _way(parents, second)
    meeting = next((n for n in way if n in behind), None)
    if not isinstance(meeting, (ast.If, ast.IfExp, ast.Match)) or meeting in (first, second):
        return False
    ways = [_branch(meeting, around[around.index(meeting) - 1]) for around in (way, behind)]
    return None not in ways and ways[0] != ways[1]


def _way(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> list[ast.AST]:
    """Return a node and those around it, the nearest first."""
    way = [node]
    while way[-1] in parents:
        way.append(parents[way[-1]])
    return way


def _branch(condition: ast.If | ast.IfExp | ast.Match, inner: ast.AST) -> object:
    """Return which branch a child belongs to, None where it is what is asked."""
    if isinstance(condition, ast.Match):
        return inner if inner in condition.cases else None
    return None if inner is condition.test else inner is condition.body or inner in _statements(condition.body)


def _statements(block: object) -> list[ast.AST]:
    return block if isinstance(block, list) else []


def _last_beside(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> ast.AST:
    """Return the last statement of the block that a node stands in, the node itself where it stands in none."""
    around = parents.get(node)
    blocks = (_statements(getattr(around, name, None)) for name in ("body", "orelse", "handlers", "finalbody"))
    return next((block[-1] for block in blocks if node in block), node)


def _caught(meeting: ast.AST, way: list[ast.AST], behind: list[ast.AST]) -> bool:
    """Return whether the second place is where an exception of the first is caught, or where another one is."""
    if not isinstance(meeting, (ast.Try, ast.TryStar)) or meeting is behind[0]:
        return False
    there, here = behind[behind.index(meeting) - 1], way[way.index(meeting) - 1]
    return there is not here and there in meeting.handlers
