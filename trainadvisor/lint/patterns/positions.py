"""Positions of which every step of a sequence gets the same: one row of the table, or one for each example."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

TABLE = re.compile(r"^(pe|wpe|pos)$|pos(ition(al)?)?_?(enc|emb|table)|^positions?$", re.IGNORECASE)
# Layers that read time from the first or second dimension.
READERS = frozenset({"TransformerEncoderLayer", "TransformerDecoderLayer", "MultiheadAttention", "Transformer",
                     "LSTM", "GRU", "RNN"})  # fmt: skip
# What exchanges the first two axes.
TURNED = re.compile(
    r"transpose\(\s*(0, 1|1, 0)|permute\(\s*1, 0|swapaxes\(\s*(0, 1|1, 0)|movedim|rearrange|\.T\b|\.mT\b"
)
AXES = 3


@pattern("sum", "read", words=(("shape[", "size(", "len("), ("pos", "pe")))
def position_not_told(training: Training) -> Iterator[Match]:
    """Yield sums of a sequence and of positions that are the same for all of its steps."""
    sums: list[tuple[ast.AST, ast.expr, ast.expr]] = [
        (n, n.left, n.right) for n in training.script.of_type(ast.BinOp) if isinstance(n.op, ast.Add)
    ]
    grown = [n for n in training.script.of_type(ast.AugAssign) if isinstance(n.op, ast.Add)]
    for node, one, other in [*sums, *((n, n.target, n.value) for n in grown)]:
        for steps, positions in ((one, other), (other, one)):
            if (numbers := _numbered_by_example(training, positions)) is not None:
                yield Match(node, {"sum": ast.unparse(node), "read": ast.unparse(numbers)}, numbers)
            read = _read(positions)
            if read is None or not isinstance(steps, ast.Name):
                continue
            if _is_one_row(read, steps.id) or _is_by_example(training, read, steps.id):
                yield Match(node, {"sum": ast.unparse(node), "read": ast.unparse(read)}, read)


def _read(expr: ast.expr) -> ast.Subscript | None:
    """Return the part of a table of positions that an expression is, out of methods called on it."""
    while isinstance(expr, ast.Call) and isinstance(expr.func, ast.Attribute):
        expr = expr.func.value
    table = expr.value if isinstance(expr, ast.Subscript) else None
    named = isinstance(table, ast.Attribute) and is_self(table.value) and TABLE.search(table.attr)
    return expr if named and isinstance(expr, ast.Subscript) else None


def _indices(read: ast.Subscript) -> list[ast.expr]:
    return list(read.slice.elts) if isinstance(read.slice, ast.Tuple) else [read.slice]


def _length(expr: ast.expr | None, name: str) -> object:
    """Return the axis of which an expression is the length, of the value with a name: 1 for x.size(1), x.shape[1]."""
    if isinstance(expr, ast.Call) and called(expr) == "size" and len(expr.args) == 1:
        owner, axis = expr.func.value, expr.args[0]  # type: ignore[attr-defined]
    elif isinstance(expr, ast.Subscript) and isinstance(expr.value, ast.Attribute) and expr.value.attr == "shape":
        owner, axis = expr.value.value, expr.slice
    else:
        return None
    return constant(axis) if isinstance(owner, ast.Name) and owner.id == name else None


def _is_one_row(read: ast.Subscript, name: str) -> bool:
    """Return whether an index is the length of the sequence, where a slice up to it is meant."""
    return any(_length(index, name) is not None for index in _indices(read))


def _numbered_by_example(training: Training, positions: ast.expr) -> ast.expr | None:
    """Return the numbers 0, 1, 2 along the first axis, one in a row, that a table of positions is asked for.

    All layers of the script read the batch first, so that the rows are the examples.
    """
    table = positions.func if isinstance(positions, ast.Call) and len(positions.args) == 1 else None
    if not isinstance(table, ast.Attribute) or not is_self(table.value) or not TABLE.search(table.attr):
        return None
    numbers = positions.args[0]  # type: ignore[attr-defined]
    made = training.values.single(numbers) if isinstance(numbers, ast.Name) else numbers
    counted = _column(made)
    axis = next((_axis_of(arg) for arg in counted.args[:1]), None) if counted is not None else None
    return numbers if axis == 0 and _all_batch_first(training) and not TURNED.search(training.source.text) else None


def _column(expr: ast.AST | None) -> ast.Call | None:
    """Return the arange() of which an expression is a column: arange(n).unsqueeze(1), arange(n)[:, None]."""
    if isinstance(expr, ast.Call) and called(expr) == "unsqueeze" and len(expr.args) == 1:
        inner, column = expr.func.value, constant(expr.args[0]) in (1, -1)  # type: ignore[attr-defined]
    elif isinstance(expr, ast.Subscript):
        inner, column = expr.value, ast.unparse(expr.slice).strip("()") == ":, None"
    else:
        return None
    return inner if column and isinstance(inner, ast.Call) and called(inner) == "arange" else None


def _axis_of(expr: ast.expr) -> object:
    """Return the axis of which an expression is the length of anything; len() is that of the first."""
    if isinstance(expr, ast.Call) and called(expr) == "len":
        return 0
    names = [n.id for n in ast.walk(expr) if isinstance(n, ast.Name)]
    return _length(expr, names[0]) if len(names) == 1 else None


def _all_batch_first(training: Training) -> bool:
    """Return whether the script has layers that read time, and all of them read the batch first."""
    readers = [call for call in training.script.calls if called(call) in READERS]
    return bool(readers) and all(constant(keyword(call, "batch_first")) is True for call in readers)


def _is_by_example(training: Training, read: ast.Subscript, name: str) -> bool:
    """Return whether the rows of a table go along the first axis of what all layers read with the batch first."""
    first = _indices(read)[0]
    if not isinstance(first, ast.Slice) or first.lower is not None or _length(first.upper, name) != 0:
        return False
    if not _all_batch_first(training):
        return False
    owner = training.script.class_of(read)
    made = training.script.method(owner, "__init__")
    outside = [n for n in training.script.calls if training.script.function_of(n) is not made]
    if made is None or any(TURNED.search(ast.unparse(n)) for n in outside):
        return False
    return _has_batch_second(made)


def _has_batch_second(made: ast.FunctionDef) -> bool:
    """Return whether a constructor makes a table of (steps, 1, features)."""
    text = ast.unparse(made)
    if "unsqueeze(0).transpose(0, 1)" in text:
        return True
    calls = [n for n in ast.walk(made) if isinstance(n, ast.Call) and called(n) in ("zeros", "empty", "randn", "rand")]
    tables = [call for call in calls if len(call.args) == AXES]
    return not TURNED.search(text) and any(constant(call.args[1]) == 1 for call in tables)
