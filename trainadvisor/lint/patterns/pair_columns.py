"""Columns of preferred and rejected answers that are read the one as the other."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import assignments, called

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

BETTER = re.compile(r"(^|[^a-z])(chosen|winner|preferred|better|accepted)(?![a-z])", re.IGNORECASE)
WORSE = re.compile(r"(^|[^a-z])(rejected|loser|dispreferred|worse)(?![a-z])", re.IGNORECASE)


@pattern("term", "score", words=(("chosen", "winner", "preferred", "better", "accepted"), ("rejected", "loser", "worse",
                                                                                          "dispreferred")))  # fmt: skip
def objective_reversed(training: Training) -> Iterator[Match]:
    """Yield where both names of a pair are given the other's column, or the other's tensor of a data set."""
    crossed: dict[tuple[ast.AST, int], ast.expr] = {}
    for name, value, scope in _given(training):
        if _side(name) * _side(value) < 0:
            crossed.setdefault((scope, _side(name)), value)
            other = crossed.get((scope, -_side(name)))
            if other is not None:
                yield Match(other, {"term": ast.unparse(value), "score": name}, value)


def _given(training: Training) -> Iterator[tuple[str, ast.expr, ast.AST]]:
    """Yield names or keys with the column or the tensor that they are given, and where."""
    for node in training.script.of_type(ast.Assign):
        for target, value in assignments(node):
            if isinstance(target, ast.Name) and _is_column(value):
                yield target.id, value, training.script.scope(node)  # type: ignore[misc]
    for keyed in training.script.of_type(ast.Dict):
        for key, value in zip(keyed.keys, keyed.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str) and _is_column(value):
                yield key.value, value, keyed
    for loop in training.script.of_type(ast.For):
        tensors = _tensors(training, loop.iter)
        if isinstance(loop.target, ast.Tuple) and len(tensors) == len(loop.target.elts):
            for target, tensor in zip(loop.target.elts, tensors, strict=True):
                yield ast.unparse(target), tensor, loop


def _is_column(value: ast.expr | None) -> bool:
    """Return whether a value is a column, itself or handed to a call: row["x"], encode(row["x"]), row.x."""
    if isinstance(value, ast.Call) and len(value.args) == 1:
        value = value.args[0]
    if isinstance(value, ast.Subscript):
        return isinstance(value.slice, ast.Constant) and isinstance(value.slice.value, str)
    return isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id != "self"


def _tensors(training: Training, over: ast.expr) -> list[ast.expr]:
    """Return the tensors of the data set behind a loader that a loop goes over."""
    made = training.values.single(over)
    for _ in range(2):
        if not isinstance(made, ast.Call) or not made.args or isinstance(made.args[0], ast.Starred):
            return []
        if called(made) == "TensorDataset":
            return list(made.args)
        made = training.values.single(made.args[0]) if called(made) == "DataLoader" else None
    return list(made.args) if isinstance(made, ast.Call) and called(made) == "TensorDataset" else []


def _side(value: str | ast.expr) -> int:
    """Return 1 for the better of two by its name, -1 for the worse, 0 where the name says neither or both."""
    text = value if isinstance(value, str) else ast.unparse(value)
    better, worse = BETTER.search(text) is not None, WORSE.search(text) is not None
    return better - worse
