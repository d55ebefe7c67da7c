"""A picture and its mask that are each turned by a draw of their own."""

from __future__ import annotations

import ast
import re
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from trainadvisor.lint.pairing import is_seed, of_a_pair, used_together
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.uses import is_draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


class _Turn(NamedTuple):
    """An if by chance that turns one thing only: the statement, the thing, and what is done, without its name."""

    node: ast.If
    what: str
    how: str


@pattern("first", "second", words=(("rand",), ("flip", "rot90", "roll(", "crop", "[::-1]", "transpose(")))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield the second of two draws that do the same to an example and to its label, each to one of both."""
    for function in training.script.functions:
        turns = [turn for node in training.script.inside(function) if (turn := _turn(training, node)) is not None]
        if any(is_seed(node) for node in training.script.inside(function)):
            continue
        for one, other in combinations(turns, 2):
            alike = one.how == other.how and of_a_pair(one.what, other.what)
            if alike and used_together(function, one.what, other.what, other.node.lineno):
                first, second = (ast.unparse(turn.node.body[0]) for turn in (one, other))
                yield Match(other.node.body[0], {"first": first, "second": second}, one.node.body[0])


def _turn(training: Training, node: ast.AST) -> _Turn | None:
    """Return what an if by chance does to a single name."""
    if not isinstance(node, ast.If) or len(node.body) != 1 or node.orelse:
        return None
    statement = node.body[0]
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    name = statement.targets[0].id
    if not any(is_draw(training, n) for n in ast.walk(node.test)):
        return None
    used = {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name)} - set(training.script.imports)
    return _Turn(node, name, _done(statement.value, name)) if used == {name} else None


def _done(value: ast.expr, name: str) -> str:
    """Return an expression as text in which a name is left out."""
    whole = ast.unparse(value)
    return re.sub(rf"\b{re.escape(name)}\b", "_", whole)
