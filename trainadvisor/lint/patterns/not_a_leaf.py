"""A tensor that is to be trained and is the result of an operation: its gradient is not kept, and it is no leaf."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

MOVES = frozenset({"to", "cuda", "double", "float", "half", "view", "reshape", "t", "unsqueeze", "type"})


@pattern("name", "made", words=(("requires_grad=True", "Parameter("), ("torch",)))
def parameter_not_leaf(training: Training) -> Iterator[Match]:
    """Yield names bound to a moved, reshaped or scaled tensor that was made with requires_grad=True."""
    for node in training.script.of_type(ast.Assign):
        target, value = node.targets[0], node.value
        if not isinstance(target, (ast.Name, ast.Attribute)):
            continue
        inner = _changed(value)
        if inner is not None and _is_trained(training, inner) and _wanted(training, target):
            yield Match(value, {"name": ast.unparse(target), "made": ast.unparse(inner.func)}, inner)


def _changed(value: ast.expr) -> ast.Call | None:
    """Return the call whose result is moved, reshaped or scaled."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in MOVES:
        return value.func.value if isinstance(value.func.value, ast.Call) else None
    if isinstance(value, ast.BinOp):
        return next((side for side in (value.left, value.right) if isinstance(side, ast.Call)), None)
    return None


def _is_trained(training: Training, made: ast.Call) -> bool:
    full = training.script.full(made.func)
    kept = constant(keyword(made, "requires_grad")) is True and full.startswith("torch.") and full.count(".") == 1
    return kept or (full == "torch.nn.Parameter" and called(made) == "Parameter")


def _wanted(training: Training, target: ast.expr) -> bool:
    """Return whether the tensor is given to an optimizer, its gradient is read, or it is an attribute of a module."""
    name = ast.unparse(target)
    given = any(name in [ast.unparse(n) for n in ast.walk(made)] for made in training.optimizers)
    owner = training.script.class_of(target)
    kept = isinstance(target, ast.Attribute) and owner is not None and training.is_module_class(owner)
    return given or kept or f"{name}.grad" in training.source.text
