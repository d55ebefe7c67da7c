"""A straight-through estimator without detach(): z + (q - z) is q, and no gradient passes by the rounding."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import Span
from trainadvisor.source.reading import span_of
from trainadvisor.source.syntax import called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.edits import Fix
    from trainadvisor.source.training import Training


@pattern("sum", "value", "rounded", words=(("backward(", "forward("), ("+",), ("-",)))
def estimator_not_detached(training: Training) -> Iterator[Match]:
    """Yield sums z + (q - z) of plain names, none of which is detached where it was made."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Add):
            continue
        for value, difference in ((node.left, node.right), (node.right, node.left)):
            if not _undone(value, difference) or not isinstance(difference, ast.BinOp):
                continue
            if any(_is_cut(training, name) for name in ast.walk(node) if isinstance(name, ast.Name)):
                continue
            said = {"sum": ast.unparse(node), "value": ast.unparse(value), "rounded": ast.unparse(difference.left)}
            yield Match(node, said, fix=_detached(training, difference))


def _detached(training: Training, difference: ast.expr) -> Fix | None:
    """Return the change that detaches a difference in parentheses."""
    _, (line, end) = span_of(training.source, difference)
    place = (line, end + 1)
    return (Span(place, place, ".detach()"),) if training.source.lines[line - 1][end : end + 1] == ")" else None


def _undone(value: ast.expr, difference: ast.expr) -> bool:
    """Return whether a difference takes away the very value that it is added to."""
    if not isinstance(value, ast.Name) or not isinstance(difference, ast.BinOp):
        return False
    is_difference = isinstance(difference.op, ast.Sub) and isinstance(difference.left, ast.Name)
    return is_difference and ast.unparse(difference.right) == value.id != ast.unparse(difference.left)


def _is_cut(training: Training, name: ast.Name) -> bool:
    """Return whether a name may stand for a value without gradient."""
    origins = training.values.origins(name)
    cut = [o is not None and isinstance(o.expr, ast.Call) and called(o.expr) in ("detach", "item") for o in origins]
    return any(cut) or any(
        isinstance(node, ast.With) and "no_grad" in ast.unparse(node.items[0].context_expr)
        for origin in origins
        if origin is not None
        for node in training.script.ancestors(origin.expr)
    )
