"""A column of predictions against a row of targets: an elementwise loss compares each with each."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source import torch_names
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ELEMENTWISE = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
SIZED = frozenset({"torch.randn", "torch.rand", "torch.zeros", "torch.ones", "torch.arange", "torch.linspace"})
LAST = -1


@pattern("loss", "target", words=(("oss",), ("Linear(",)))
def loss_shape_broadcast(training: Training) -> Iterator[Match]:
    """Yield elementwise losses of a linear layer of one unit, as it is, and a target of one dimension."""
    for loss in training.losses:
        if loss.name not in ELEMENTWISE or loss.target is None or not _is_column(training, loss.input):
            continue
        origins = training.values.origins(loss.target)
        if origins and all(o is not None and not o.path and not o.loop and _is_row(training, o.expr) for o in origins):
            text = training.source.segment(loss.target)
            values = {"loss": ast.unparse(loss.call.func), "target": ast.unparse(loss.target)}
            fix = (replaced(training.source, loss.target, f"{text}.unsqueeze(1)"),)
            yield Match(loss.call, values, fix=fix if isinstance(loss.target, (ast.Name, ast.Attribute)) else None)


def _is_column(training: Training, value: ast.expr) -> bool:
    """Return whether a value is what a model with one output unit returns, not reshaped anywhere."""
    origin = training.values.single(value)
    made = training.operations.modules(origin.func) if isinstance(origin, ast.Call) else []
    module = made[0] if len(made) == 1 else None
    if module is None:
        return False
    name = torch_names.layer(training.script.full(module.func))
    if name == "Linear":
        return constant(keyword(module, "out_features", 1)) == 1
    if name == "Sequential":
        layers = training.operations.layers(module) or []
        return bool(layers) and _is_unit(training, layers[LAST])
    returned = training.operations.returns(module)
    return len(returned) == 1 and returned[0] is not None and _is_column(training, returned[0])


def _is_unit(training: Training, layer: ast.expr) -> bool:
    made = training.operations.modules(layer)
    last = made[0] if len(made) == 1 else None
    return last is not None and called(last) == "Linear" and constant(keyword(last, "out_features", 1)) == 1


def _is_row(training: Training, expr: ast.expr) -> bool:
    """Return whether an expression has one dimension: a size alone, a column by its number, flattened."""
    if isinstance(expr, ast.Subscript) and isinstance(expr.slice, ast.Tuple):
        first, *rest = expr.slice.elts
        return len(rest) == 1 and isinstance(first, ast.Slice) and isinstance(constant(rest[0]), int)
    if not isinstance(expr, ast.Call):
        return False
    if training.script.full(expr.func) in SIZED:
        sizes = expr.args
        ranged = called(expr) in ("arange", "linspace")
        return bool(sizes) and (ranged or (len(sizes) == 1 and isinstance(constant(sizes[0]), int)))
    flat = called(expr) in ("view", "reshape") and len(expr.args) == 1 and constant(expr.args[0]) == LAST
    return flat or (called(expr) == "flatten" and not expr.args and isinstance(expr.func, ast.Attribute))
