"""Pictures with a patch of others, whose labels are weighed by the share of the patch and not of the rest."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import constant
from trainadvisor.source.uses import names_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

CORNERS = 4


@pattern("first", "second", words=(("lam",), ("1 -", "1.0 -", "1. -"), (":",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield a weight that is the area of a pasted patch over the whole, and stands before the labels of the rest."""
    for node in training.script.of_type(ast.Assign):
        weight, value = node.targets[0], node.value
        corners = _area(value.left) if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div) else set()
        if not isinstance(weight, ast.Name) or len(corners) != CORNERS:
            continue
        scope = training.script.scope(node)
        moved = _pasted(training, scope, corners)
        for loss in training.script.inside(scope):
            if moved and isinstance(loss, ast.BinOp) and _is_mixed(loss, weight.id, moved):
                source = training.source
                fix = (replaced(source, value, f"1 - {source.segment(value)}"),)
                yield Match(node, {"first": ast.unparse(value), "second": ast.unparse(loss)}, loss, fix)
                break


def _area(value: ast.expr) -> set[str]:
    """Return the corners of a box whose area a value is: (y2 - y1) * (x2 - x1)."""
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Mult):
        return set()
    sides = (value.left, value.right)
    if not all(isinstance(s, ast.BinOp) and isinstance(s.op, ast.Sub) for s in sides):
        return set()
    return {ast.unparse(end) for s in sides if isinstance(s, ast.BinOp) for end in (s.left, s.right)}


def _pasted(training: Training, scope: ast.AST, corners: set[str]) -> str:
    """Return the permutation by which what is pasted between the corners is taken from."""
    for node in training.script.inside(scope):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(target, ast.Subscript) or not isinstance(node, ast.Assign):
            continue
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else []
        ends = {ast.unparse(e) for p in parts if isinstance(p, ast.Slice) for e in (p.lower, p.upper) if e is not None}
        taken = [n for n in ast.walk(node.value) if isinstance(n, ast.Subscript)]
        if ends == corners and taken:
            first = taken[0].slice.elts[0] if isinstance(taken[0].slice, ast.Tuple) else taken[0].slice
            inner = [n.slice for n in taken if isinstance(n.slice, ast.Name)]
            order = first if isinstance(first, ast.Name) else next(iter(inner), None)
            return order.id if isinstance(order, ast.Name) else ""
    return ""


def _is_mixed(loss: ast.BinOp, weight: str, moved: str) -> bool:
    """Return whether a sum weighs the labels that were not moved by a weight, and the moved ones by the rest of it."""
    if not isinstance(loss.op, ast.Add):
        return False
    for own, other in ((loss.left, loss.right), (loss.right, loss.left)):
        mine, rest = _factor(own), _factor(other)
        if mine is None or rest is None or not isinstance(mine[0], ast.Name) or mine[0].id != weight:
            continue
        left = isinstance(rest[0], ast.BinOp) and isinstance(rest[0].op, ast.Sub) and constant(rest[0].left) in (1, 1.0)
        if left and ast.unparse(rest[0].right) == weight:  # type: ignore[attr-defined]
            return moved in names_in(rest[1]) and moved not in names_in(mine[1])
    return False


def _factor(product: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return the weight and what it weighs."""
    if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult):
        return None
    plain = isinstance(product.left, (ast.Name, ast.BinOp))
    return (product.left, product.right) if plain else (product.right, product.left)
