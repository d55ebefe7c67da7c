"""Numbers for each class: whether they rise or fall with how many examples a class has."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.source.training import Training

COUNTED = re.compile(
    r"(^|_)(counts?|freqs?|frequenc(y|ies)|n_per_class|num_per_class|class_sizes?)(_|$)", re.IGNORECASE
)
SAME_ORDER = frozenset({"float", "double", "to", "cpu", "cuda", "numpy", "clone", "copy", "sort_index", "tolist",
                        "astype", "detach", "type", "reshape", "view", "sqrt", "log", "log1p", "to_numpy", "clip",
                        "clamp", "softmax", "normalize"})  # fmt: skip
MADE_OF = frozenset({"tensor", "as_tensor", "FloatTensor", "Tensor", "array", "asarray", "from_numpy", "list", "sqrt",
                     "log", "log1p"})  # fmt: skip
# What gives one number for all classes.
TOTALS = frozenset({"sum", "max", "min", "mean", "median", "len", "amax", "amin", "item", "std"})
# Fewer are no counts of training examples.
FEWEST = 10
DEEPEST = 12
Each = tuple[str, "int | None"]


def direction(training: Training, expr: ast.expr, depth: int = 0, each: Each | None = None) -> int | None:
    """Return 1 for numbers of the classes that rise with their counts, -1 if they fall, 0 for one number for all.

    `each` is the name of a comprehension's item with the direction of the items.
    """
    if constant(expr) is not None:
        return 0
    if depth > DEEPEST:
        return None
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        return _turned(direction(training, expr.operand, depth + 1, each))
    if isinstance(expr, ast.Attribute) and expr.attr in ("values", "T"):
        return direction(training, expr.value, depth + 1, each)
    follow = FOLLOWED.get(type(expr))
    return follow(training, expr, depth, each) if follow else None


def _turned(value: int | None) -> int | None:
    return None if value is None else -value


def _joined(one: int | None, other: int | None) -> int | None:
    """Return the direction of two numbers that are multiplied or added; None where they go against each other."""
    if one is None or other is None or one * other < 0:
        return None
    return one or other


def _of_operation(training: Training, expr: ast.BinOp, depth: int, each: Each | None) -> int | None:
    left, right = (direction(training, side, depth + 1, each) for side in (expr.left, expr.right))
    if isinstance(expr.op, (ast.Add, ast.Mult)):
        return _joined(left, right)
    if isinstance(expr.op, (ast.Sub, ast.Div)):
        return _joined(left, _turned(right))
    exponent = constant(expr.right)
    if isinstance(expr.op, ast.Pow) and isinstance(exponent, (int, float)) and left is not None:
        return left if exponent > 0 else -left
    return None


def _of_call(training: Training, call: ast.Call, depth: int, each: Each | None) -> int | None:
    name = called(call)
    if name in ("bincount", "value_counts"):
        return 1
    if name == "reciprocal":
        inner = call.args[0] if call.args else call.func.value if isinstance(call.func, ast.Attribute) else None
        return _turned(direction(training, inner, depth + 1, each)) if inner is not None else None
    if name in TOTALS:
        return 0
    if name in MADE_OF and call.args:
        return direction(training, call.args[0], depth + 1, each)
    if name in SAME_ORDER and isinstance(call.func, ast.Attribute):
        return direction(training, call.func.value, depth + 1, each)
    return None


def _of_comprehension(training: Training, expr: ast.ListComp, depth: int, each: Each | None) -> int | None:
    generator = expr.generators[0]
    if len(expr.generators) > 1 or generator.ifs or not isinstance(generator.target, ast.Name):
        return None
    if isinstance(generator.iter, ast.Call) and called(generator.iter) == "range":
        return 1 if _counts_one(expr.elt, generator.target.id) else None
    items = direction(training, generator.iter, depth + 1, each)
    return direction(training, expr.elt, depth + 1, (generator.target.id, items))


def _counts_one(expr: ast.expr, name: str) -> bool:
    """Return whether a number is how many equal a name: (y == k).sum(), labels.count(k)."""
    if not isinstance(expr, ast.Call) or not isinstance(expr.func, ast.Attribute):
        return isinstance(expr, ast.Call) and called(expr) in ("float", "int") and _counts_one(expr.args[0], name)
    if called(expr) == "count" and len(expr.args) == 1:
        return ast.unparse(expr.args[0]) == name
    if called(expr) in ("item", "float") and not expr.args:
        return _counts_one(expr.func.value, name)
    compared = expr.func.value
    equal = isinstance(compared, ast.Compare) and isinstance(compared.ops[0], ast.Eq)
    return called(expr) == "sum" and equal and ast.unparse(compared.comparators[0]) == name  # type: ignore[attr-defined]


def _of_name(training: Training, name: ast.Name | ast.Attribute, depth: int, each: Each | None) -> int | None:
    if each is not None and isinstance(name, ast.Name) and name.id == each[0]:
        return each[1]
    origins = training.values.origins(name)
    if len(origins) != 1 or origins[0] is None or origins[0].expr is name:
        return None
    origin = origins[0]
    if isinstance(origin.expr, ast.Call) and called(origin.expr) == "unique" and origin.path:
        options = [k for k in origin.expr.keywords if k.arg == "return_counts"]
        return 1 if options and len(origin.expr.keywords) == 1 and origin.path == (1,) else None
    if origin.path:
        return None
    if isinstance(origin.expr, (ast.List, ast.Tuple)):
        values = [constant(item) for item in origin.expr.elts]
        numbers = [v for v in values if isinstance(v, int) and v >= FEWEST]
        written = name.attr if isinstance(name, ast.Attribute) else name.id
        known = COUNTED.search(written) is not None and len(numbers) == len(values)
        return 1 if known and len(set(numbers)) > 1 else None
    return direction(training, origin.expr, depth + 1)


FOLLOWED: dict[type[ast.expr], Callable[..., int | None]] = {
    ast.BinOp: _of_operation,
    ast.Call: _of_call,
    ast.ListComp: _of_comprehension,
    ast.Name: _of_name,
    ast.Attribute: _of_name,
}
