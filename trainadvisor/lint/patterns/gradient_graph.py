"""A term of the loss that is made of a gradient which was computed without a graph of its own."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import with_argument
from trainadvisor.source.syntax import called, constant, is_open, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DEEPEST = 12
# Names of factors of a term, which are numbers.
FACTOR = re.compile(r"lamb?d?a?|weight|coef|beta|gamma|alpha|factor|scale|(^|_)w($|_)", re.IGNORECASE)


@pattern("term", "gradient", words=(("autograd",), ("grad(",), ("backward(",)))
def penalty_without_graph(training: Training) -> Iterator[Match]:
    """Yield calls of autograd.grad without create_graph whose result alone makes a term of a loss."""
    found: dict[ast.Call, tuple[ast.expr, ast.Call]] = {}
    for backward in training.backwards:
        value = backward.func.value if isinstance(backward.func, ast.Attribute) else None
        terms = list(_terms(training, value)) if value is not None else []
        for term in terms if len(terms) > 1 else []:
            gradient = _gradient(training, term)
            if gradient is not None:
                found.setdefault(gradient, (term, backward))
    for gradient, (term, backward) in found.items():
        span = with_argument(training.source, gradient, "create_graph", "True")
        values = {"term": ast.unparse(term), "gradient": ast.unparse(gradient.func)}
        yield Match(gradient, values, backward, (span,) if span else None)


def _terms(training: Training, expr: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
    """Yield the terms of a sum, those of names that stand for sums included."""
    made = training.values.single(expr) if isinstance(expr, ast.Name) else expr
    if isinstance(made, ast.BinOp) and isinstance(made.op, (ast.Add, ast.Sub)) and depth < DEEPEST:
        yield from _terms(training, made.left, depth + 1)
        yield from _terms(training, made.right, depth + 1)
    else:
        yield expr


def _gradient(training: Training, expr: ast.expr, depth: int = 0) -> ast.Call | None:
    """Return the call of autograd.grad without a graph that a value is computed of, from nothing else with a graph."""
    if depth > DEEPEST:
        return None
    if isinstance(expr, ast.Name):
        origins = training.values.origins(expr)
        origin = origins[0] if len(origins) == 1 else None
        return _gradient(training, origin.expr, depth + 1) if origin is not None and not origin.loop else None
    if isinstance(expr, ast.Subscript):
        return _gradient(training, expr.value, depth + 1)
    if isinstance(expr, ast.UnaryOp):
        return _gradient(training, expr.operand, depth + 1)
    if isinstance(expr, ast.BinOp):
        return _of_operation(training, expr, depth)
    return _of_call(training, expr, depth) if isinstance(expr, ast.Call) else None


def _of_operation(training: Training, expr: ast.BinOp, depth: int) -> ast.Call | None:
    """Return the gradient that one side of an operation is made of, where the other side is a number."""
    left, right = (_gradient(training, side, depth + 1) for side in (expr.left, expr.right))
    if left is not None and right is not None:
        return left
    other = expr.right if left is not None else expr.left
    return left or right if _is_number(training, other) else None


def _of_call(training: Training, call: ast.Call, depth: int) -> ast.Call | None:
    full = training.script.full(call.func)
    if full in ("torch.autograd.grad", "autograd.grad"):
        graph = keyword(call, "create_graph", 4)
        return call if not is_open(call) and (graph is None or constant(graph) is False) else None
    made = training.values.single(call)
    if made is not None and made is not call:
        return _gradient(training, made, depth + 1)
    if full.startswith("torch."):
        return _gradient(training, call.args[0], depth + 1) if call.args else None
    if isinstance(call.func, ast.Attribute) and called(call) not in ("detach", "item", "numpy", "tolist"):
        return _gradient(training, call.func.value, depth + 1)
    return None


def _is_number(training: Training, expr: ast.expr) -> bool:
    """Return whether an expression is a number, or a setting: an attribute or argument that no module computes."""
    if isinstance(expr, (ast.Constant, ast.UnaryOp)):
        return constant(expr) is not None
    if isinstance(expr, ast.Attribute):
        return True
    if isinstance(expr, ast.BinOp):
        return _is_number(training, expr.left) and _is_number(training, expr.right)
    if not isinstance(expr, ast.Name):
        return False
    made = training.values.single(expr)
    return constant(made) is not None or (made is None and FACTOR.search(expr.id) is not None)
