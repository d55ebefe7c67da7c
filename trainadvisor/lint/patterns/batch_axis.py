"""A recurrent layer that takes time for the batch: the last "step" that is read is the last example."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
LAST = -1


@pattern("layer", "read", words=(("LSTM(", "GRU(", "RNN("),))
def batch_mixing(training: Training) -> Iterator[Match]:
    """Yield reads of `out[:, -1]` from a recurrent layer whose first dimension is time."""
    for node in training.script.of_type(ast.Subscript):
        if not _reads_last(node):
            continue
        origins = training.values.origins(node.value)
        made = [_layer(training, o.expr) if o and o.path == (0,) and not o.loop else None for o in origins]
        if made and all(layer is not None and _time_first(layer) for layer in made) and made[0] is not None:
            span = with_argument(training.source, made[0], "batch_first", "True")
            values = {"layer": ast.unparse(made[0].func), "read": ast.unparse(node)}
            yield Match(made[0], values, node, (span,) if span and len(made) == 1 else None)


def _reads_last(node: ast.Subscript) -> bool:
    """Return whether a subscript is [:, -1] or [:, -1, :]."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    whole = [isinstance(p, ast.Slice) and p.lower is p.upper is p.step is None for p in parts]
    return len(parts) in (2, 3) and whole[0] and constant(parts[1]) == LAST and all(whole[2:])


def _layer(training: Training, expr: ast.expr) -> ast.Call | None:
    """Return the call that made the recurrent layer whose output an expression is."""
    made = training.operations.modules(expr.func) if isinstance(expr, ast.Call) else []
    layer = made[0] if len(made) == 1 else None
    return layer if layer is not None and called(layer) in RECURRENT else None


def _time_first(layer: ast.Call) -> bool:
    value = keyword(layer, "batch_first", 4)
    return not is_open(layer) and (value is None or constant(value) is False)
