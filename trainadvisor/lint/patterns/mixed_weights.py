"""Labels of mixed examples that are weighed the wrong way round: each gets the share of the other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant
from trainadvisor.source.uses import is_draw, names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ORDERS = frozenset({"randperm", "permutation"})


class _Share(NamedTuple):
    """What two things are weighed with: `w * first + (1 - w) * second`."""

    weight: str
    first: ast.expr
    second: ast.expr


@pattern("first", "second", words=(("randperm(", "permutation("), ("1 -", "1.0 -", "1. -", "1-"), ("backward(",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield sums of two losses whose label of the larger share is that of the other example."""
    sums = [(node, share) for node in training.script.of_type(ast.BinOp) for share in _shares(node)]
    mixes: dict[tuple[str, ast.AST], bool] = {}
    for _, share in sums:
        drawn = _one_moved(training, share.first, share.second)
        if drawn is not None and not _is_loss(share):
            mixes[share.weight, drawn[0]] = drawn[1]
    for node, share in sums:
        if not _is_loss(share):
            continue
        drawn = _one_moved(training, _label(share.first), _label(share.second))
        if drawn is not None and mixes.get((share.weight, drawn[0]), drawn[1]) != drawn[1]:
            yield Match(node, {"first": share.weight, "second": ast.unparse(node)})


def _shares(node: ast.BinOp) -> Iterator[_Share]:
    """Yield how a sum weighs its two sides, once."""
    if not isinstance(node.op, ast.Add):
        return
    for one, other in ((node.left, node.right), (node.right, node.left)):
        for weight, first in _factors(one):
            for rest, second in _factors(other):
                if _is_rest(rest, weight):
                    yield _Share(ast.unparse(weight), first, second)


def _factors(node: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        yield node.left, node.right
        yield node.right, node.left


def _is_rest(node: ast.expr, weight: ast.expr) -> bool:
    """Return whether a factor is 1 - weight."""
    minus = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and constant(node.left) in (1, 1.0)
    return minus and isinstance(node, ast.BinOp) and ast.unparse(node.right) == ast.unparse(weight)


def _is_loss(share: _Share) -> bool:
    sides = (share.first, share.second)
    return all(isinstance(side, ast.Call) and len(side.args) > 1 for side in sides)


def _label(loss: ast.expr) -> ast.expr:
    """Return the second argument of a loss, without a method that converts it."""
    label = loss.args[1] if isinstance(loss, ast.Call) and len(loss.args) > 1 else loss
    while isinstance(label, ast.Call) and isinstance(label.func, ast.Attribute):
        label = label.func.value
    return label


def _one_moved(training: Training, first: ast.expr, second: ast.expr) -> tuple[ast.AST, bool] | None:
    """Return the draw that put one of two things in another order, and whether that is the first; None if not one."""
    moved = [_draw(training, side) for side in (first, second)]
    if (moved[0] is None) == (moved[1] is None):
        return None
    drawn = moved[0] or moved[1]
    return (drawn, moved[0] is not None) if drawn is not None else None


def _draw(training: Training, node: ast.expr) -> ast.AST | None:
    """Return the call that drew the order in which something is indexed, itself or where it was made."""
    for made in (node, *(o.expr for o in training.values.origins(node) if o is not None)):
        if isinstance(made, ast.Subscript) and names_in(made.slice):
            first = made.slice.elts[0] if isinstance(made.slice, ast.Tuple) else made.slice
            order = training.values.single(first) or first
            if isinstance(order, ast.Call) and called(order) in ORDERS and is_draw(training, order):
                return order
    return None
