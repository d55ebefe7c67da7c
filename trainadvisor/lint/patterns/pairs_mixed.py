"""Examples and labels that are each mixed with others in a random order, and not in the same one."""

from __future__ import annotations

import ast
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from trainadvisor.lint.pairing import is_seed, of_a_pair
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import is_draw, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ORDERS = frozenset({"randperm", "permutation"})


class _Mix(NamedTuple):
    """A sum of something and of itself in a random order: the statement, what is mixed, where the order is drawn.

    The last is what is written for itself in that order.
    """

    node: ast.stmt
    what: str
    draw: ast.Call
    moved: ast.AST


@pattern("first", "second", words=(("randperm(", "permutation("), ("+",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield where examples are mixed with others in one order, and their labels with others in another one."""
    for function in (*training.script.functions, training.script.tree):
        mixes = [mix for node in training.script.inside(function) for mix in _mixes(training, node)]
        for one, other in combinations(mixes, 2):
            apart = one.draw is not other.draw and of_a_pair(one.what, other.what)
            between = (n for n in training.script.inside(function) if one.node.lineno < _line(n) < other.node.lineno)
            if apart and not _paired(mixes, one, other) and not any(map(is_seed, between)):
                parts = (one.moved, other.moved) if one.node is other.node else (one.node, other.node)
                first, second = map(ast.unparse, parts)
                yield Match(other.node, {"first": first, "second": second}, one.node)
                break


def _paired(mixes: list[_Mix], one: _Mix, other: _Mix) -> bool:
    """Return whether one of two mixes has its counterpart in a third, in the same order."""
    return any(
        third.draw is mix.draw and of_a_pair(third.what, mix.what)
        for third in mixes
        for mix in (one, other)
        if third is not mix
    )


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _mixes(training: Training, node: ast.AST) -> Iterator[_Mix]:
    """Yield what a statement adds to itself in a random order, each part with a factor."""
    statement = training.script.statement(node)
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add) or statement is None:
        return
    for plain, moved in ((node.left, node.right), (node.right, node.left)):
        if not all(isinstance(side, ast.BinOp) and isinstance(side.op, ast.Mult) for side in (plain, moved)):
            continue
        for part in ast.walk(moved):
            what, draw = _reordered(training, part)
            if draw is not None and what in names_in(plain):
                yield _Mix(statement, what, draw, part)


def _reordered(training: Training, part: ast.AST) -> tuple[str, ast.Call | None]:
    """Return the name that is put in an order drawn for it, and the call that draws; "" and None where none is."""
    if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name):
        return part.value.id, _order(training, part.slice)
    if isinstance(part, ast.Call) and len(part.args) == 1 and isinstance(part.args[0], ast.Name):
        functions = training.called_functions(part)
        ends = [n.value for f in functions for n in training.script.inside(f) if isinstance(n, ast.Return)]
        drawn = ends and all(isinstance(e, ast.Subscript) and _order(training, e.slice) is not None for e in ends)
        return part.args[0].id, part if drawn else None
    return "", None


def _order(training: Training, index: ast.expr) -> ast.Call | None:
    """Return the call that drew a permutation which is an index, whole."""
    made = training.values.single(index) if isinstance(index, ast.Name) else index
    return made if isinstance(made, ast.Call) and called(made) in ORDERS and is_draw(training, made) else None
