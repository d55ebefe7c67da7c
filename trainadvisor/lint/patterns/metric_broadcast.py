"""A count of right answers that compares a column of predictions with a row of labels: each with each."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# What keeps the shape of what it is called on.
KEEPS = frozenset({"float", "long", "int", "bool", "double", "round", "sigmoid", "detach", "cpu", "to", "type", "numpy",
                   "gt", "ge", "lt", "le", "where", "heaviside", "clone"})  # fmt: skip
DEPTH = 8


@pattern("metric", "target", "right", words=(("unsqueeze(", "view(", "reshape(", "None]"), ("==", "eq(")))
def metric_broadcast(training: Training) -> Iterator[Match]:
    """Yield comparisons of predictions with labels as they are, where the loss beside is given a column of those."""
    for loss in training.losses:
        labels = column_of(loss.target) if loss.target is not None else None
        if labels is None or not isinstance(loss.input, ast.Name):
            continue
        scope = training.script.scope(loss.call)
        for node in training.script.inside(scope):
            for one, other in compared(node):
                alike = isinstance(other, ast.Name) and other.id == labels.id
                if not alike or training.script.reaching(other) != training.script.reaching(labels):  # type: ignore[arg-type]
                    continue
                if _is_of(training, one, loss.input) and is_counted(training, node):
                    text = ast.unparse(loss.target) if loss.target is not None else ""
                    values = {"metric": ast.unparse(node), "target": ast.unparse(other), "right": text}
                    yield Match(node, values, loss.call, (replaced(training.source, other, text),))


def column_of(target: ast.expr) -> ast.Name | None:
    """Return y of y.unsqueeze(1), y.view(-1, 1) and y[:, None], whatever else is done to its type."""
    while isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
        given = tuple(constant(argument) for argument in target.args)
        inner = target.func.value
        if called(target) == "unsqueeze" and given in ((1,), (-1,)):
            return _row(inner)
        if called(target) in ("view", "reshape") and given == (-1, 1):
            return _row(inner)
        if called(target) not in KEEPS:
            return None
        target = inner
    if isinstance(target, ast.Subscript) and ast.unparse(target.slice) == "(:, None)":
        return _row(target.value)
    return None


def _row(inner: ast.expr) -> ast.Name | None:
    while isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and called(inner) in KEEPS:
        inner = inner.func.value
    return inner if isinstance(inner, ast.Name) else None


def compared(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield both sides of an equality, each as the first."""
    sides: list[ast.expr] = []
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        sides = [node.left, node.comparators[0]]
    elif isinstance(node, ast.Call) and called(node) == "eq" and isinstance(node.func, ast.Attribute):
        sides = [*([node.func.value] if len(node.args) == 1 else []), *node.args]
    if len(sides) == len((1, 2)):
        yield from ((sides[0], _plain(sides[1])), (sides[1], _plain(sides[0])))


def _plain(side: ast.expr) -> ast.expr:
    """Return a side without what keeps its shape."""
    while isinstance(side, ast.Call) and isinstance(side.func, ast.Attribute) and called(side) in KEEPS and not (
        isinstance(side.func.value, ast.Name) and side.func.value.id == "torch"
    ):  # fmt: skip
        side = side.func.value
    return side


def _is_of(training: Training, side: ast.expr, output: ast.Name, depth: int = 0) -> bool:
    """Return whether a side is what the loss was given, with its shape: thresholds, rounding and types keep it."""
    if depth > DEPTH:
        return False
    if isinstance(side, ast.Name):
        if side.id == output.id:
            return training.script.reaching(side) == training.script.reaching(output)
        bound = training.script.reaching(side)
        value = bound[0].value if len(bound) == 1 and bound[0].kind == "value" and not bound[0].path else None
        return value is not None and _is_of(training, value, output, depth + 1)
    if isinstance(side, ast.Compare) and len(side.comparators) == 1:
        return isinstance(constant(side.comparators[0]), (int, float)) and _is_of(
            training, side.left, output, depth + 1
        )
    if isinstance(side, ast.Call) and called(side) in KEEPS:
        inside = training.script.full(side.func).startswith("torch.")
        inner = (side.args[0] if side.args else None) if inside else getattr(side.func, "value", None)
        return inner is not None and _is_of(training, inner, output, depth + 1)
    return False


def is_counted(training: Training, node: ast.AST) -> bool:
    """Return whether what is compared is summed up or averaged."""
    around = list(training.script.ancestors(node))[:6]
    return any(isinstance(n, ast.Call) and called(n) in ("sum", "mean", "float") for n in around)
