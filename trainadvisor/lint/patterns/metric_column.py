"""A column of predictions that an evaluation compares with a row of labels, of which the loss is given a column."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.patterns.metric_broadcast import KEEPS, column_of, compared, is_counted
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import LossCall, Training

DEPTH = 8


@pattern("metric", "target", "right", words=(("unsqueeze(", "view(", "reshape(", "None]"), ("==", "eq(")))
def metric_broadcast(training: Training) -> Iterator[Match]:
    """Yield comparisons of what a net gives with labels of another loop, where losses are given a column of them."""
    if not all(_is_of_column(training, loss) for loss in training.losses):
        return
    columns = {_net(training, loss.input): loss.call for loss in training.losses}
    for node in training.script.of_type(ast.Compare, ast.Call):
        for one, other in compared(node):
            net = _net(training, one) if _is_label(training, other) else ""
            if net and net in columns and is_counted(training, node):
                right = f"{ast.unparse(other)}.unsqueeze(1)"
                values = {"metric": ast.unparse(node), "target": ast.unparse(other), "right": right}
                yield Match(node, values, columns[net], (replaced(training.source, other, right),))
                break


def _is_of_column(training: Training, loss: LossCall) -> bool:
    """Return whether a loss is given a net's output as it is, and labels of a loop that are made a column for it."""
    labels = column_of(loss.target) if loss.target is not None else None
    return labels is not None and _is_label(training, labels)


def _is_label(training: Training, value: ast.expr) -> bool:
    """Return whether a value is what a loop over data gives beside the example, as it comes."""
    while isinstance(value, ast.Attribute) and value.attr == "data":
        value = value.value
    bound = training.script.reaching(value) if isinstance(value, ast.Name) else []
    return bool(bound) and all(b.kind == "loop" and b.path and b.path[-1] >= 1 for b in bound)


def _net(training: Training, value: ast.expr | None, depth: int = 0) -> str:
    """Return the net whose output a value is, in the shape that it has; "" where it is none or may be of another."""
    inner: ast.expr | None = None
    if isinstance(value, ast.Name):
        bound = training.script.reaching(value)
        inner = bound[0].value if len(bound) == 1 and bound[0].kind == "value" and not bound[0].path else None
    elif isinstance(value, ast.Attribute) and value.attr == "data":
        inner = value.value
    elif isinstance(value, ast.Compare) and isinstance(constant(value.comparators[0]), (int, float)):
        inner = value.left
    elif isinstance(value, ast.Call) and called(value) in KEEPS:
        library = training.script.full(value.func).startswith(("torch.", "numpy."))
        inner = next(iter(value.args), None) if library else getattr(value.func, "value", None)
    elif isinstance(value, ast.Call) and training.made(value.func) is not None:
        return ast.unparse(value.func)
    return _net(training, inner, depth + 1) if isinstance(inner, ast.expr) and depth < DEPTH else ""
