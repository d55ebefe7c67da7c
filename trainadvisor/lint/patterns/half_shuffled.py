"""Examples that are shuffled while the labels that came with them keep their order."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pairing import LABEL, of_a_pair
from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.pairs_shuffled import ORDERS
from trainadvisor.source.syntax import called
from trainadvisor.source.uses import is_draw, reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training


@pattern("first", "second", words=(("shuffle(", "randperm(", "permutation("), ("backward(",)))
def label_problem(training: Training) -> Iterator[Match]:
    """Yield shuffles in place of examples whose labels are bound beside them and are moved nowhere behind that."""
    for statement in training.script.of_type(ast.Assign, ast.Expr):
        name = _shuffled(training, statement)
        scope = training.script.scope(statement)
        for labels in _beside(scope, name, statement) if name and not LABEL.search(name) else ():
            if _reads_behind(scope, name, statement) and _stays(scope, labels, statement):
                yield Match(statement, {"first": ast.unparse(statement), "second": labels})
                break


def _shuffled(training: Training, statement: ast.stmt) -> str:
    """Return what a statement puts in a random order that it keeps for itself: x = rng.permutation(x), shuffle(x)."""
    if isinstance(statement, ast.Expr):
        value = statement.value
        alone = isinstance(value, ast.Call) and called(value) == "shuffle" and len(value.args) == 1
        drawn = alone and is_draw(training, value) and isinstance(value.args[0], ast.Name)  # type: ignore[attr-defined]
        return ast.unparse(value.args[0]) if drawn else ""  # type: ignore[attr-defined]
    if not isinstance(statement, ast.Assign):
        return ""
    target, value = statement.targets[0], statement.value
    order = value.slice if isinstance(value, ast.Subscript) else value
    given = value.args[0] if isinstance(value, ast.Call) and value.args else None
    whole = value.value if isinstance(value, ast.Subscript) else given
    drawn = isinstance(order, ast.Call) and called(order) in ORDERS and is_draw(training, order)
    same = isinstance(target, ast.Name) and whole is not None and ast.unparse(whole) == target.id
    return target.id if drawn and same and isinstance(target, ast.Name) else ""


def _beside(scope: ast.AST, name: str, shuffle: ast.stmt) -> Iterator[str]:
    """Yield the names for labels that a statement in front has bound in one with the examples."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and node.lineno < shuffle.lineno:
            names = [part.id for part in node.targets[0].elts if isinstance(part, ast.Name)]
            if name in names:
                yield from (other for other in names if of_a_pair(name, other) and _is_alike(name, other))


def _is_alike(name: str, other: str) -> bool:
    """Return whether two names mean the same part of the data: X_train and y_train."""
    return name[1:] == other[1:] or "_" not in name


def _reads_behind(scope: ast.AST, name: str, statement: ast.stmt) -> bool:
    """Return whether a name is read behind a statement."""
    return any(node.lineno > (statement.end_lineno or 0) for node in reads(scope, name))


def _stays(scope: ast.AST, labels: str, shuffle: ast.stmt) -> bool:
    """Return whether labels are read behind a shuffle, and bound or shuffled nowhere around it."""
    for node in ast.walk(scope):
        bound = isinstance(node, ast.Name) and node.id == labels and isinstance(node.ctx, ast.Store)
        if bound and node.lineno >= shuffle.lineno:  # type: ignore[attr-defined]
            return False
        if (
            isinstance(node, ast.Call)
            and called(node) in ("shuffle", *ORDERS)
            and labels in map(ast.unparse, node.args)
        ):
            return False
    return _reads_behind(scope, labels, shuffle)
