"""Shapes that a script tells of its arrays: by the sizes that made them, or by the file or data set they come from."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, constant, keyword

if TYPE_CHECKING:
    from trainadvisor.source.training import Training

# The sizes of the axes, None where a size is no literal.
Shape = tuple[int | None, ...]
# Calls that are given a shape, one size after the other or as one tuple.
BY_SIZES = frozenset({"zeros", "ones", "empty", "rand", "randn", "reshape", "view", "standard_normal"})
BY_KEYWORD = frozenset({"normal", "uniform", "randint", "integers", "random", "full", "poisson", "choice"})
# Calls that keep the shape of what they are given, or of what they are called on.
KEEPING = frozenset({"astype", "float", "double", "half", "to", "copy", "clone", "contiguous", "numpy", "tensor", "abs",
                     "from_numpy", "as_tensor", "asarray", "array", "float32", "clip", "detach", "cpu", "cuda", "byte",
                     "ascontiguousarray", "FloatTensor", "div", "clamp", "type", "exp", "sqrt"})  # fmt: skip
PICTURES = frozenset({"CIFAR10", "CIFAR100"})
PICTURE: Shape = (None, 32, 32, 3)
DEEPEST = 6


def known_shapes(training: Training, array: ast.expr, depth: int = 0) -> list[Shape]:
    """Return the shapes that an array may have, nothing where one of them is not known."""
    found = []
    for origin in training.values.origins(array):
        known = _shape(training, origin.expr, depth) if origin and not origin.path and not origin.loop else []
        if not known:
            return []
        found += known
    return found


def _shape(training: Training, expr: ast.expr, depth: int) -> list[Shape]:
    """Return the shapes of what one expression makes."""
    if depth > DEEPEST:
        return []
    if isinstance(expr, ast.Call):
        return _of_call(training, expr, depth)
    if isinstance(expr, ast.BinOp):
        left, right = (known_shapes(training, side, depth + 1) for side in (expr.left, expr.right))
        known = max(left, right, key=lambda shapes: len(shapes[0]) if shapes else 0)
        plain = left and right and set(left) == set(right)
        scaled = any(isinstance(side, ast.Constant) for side in (expr.left, expr.right))
        return known if scaled or plain else []
    if isinstance(expr, ast.Attribute) and expr.attr == "data":
        made = training.made(expr.value)
        return [PICTURE] if made is not None and called(made) in PICTURES else []
    return []


def _of_call(training: Training, call: ast.Call, depth: int) -> list[Shape]:
    name, full = called(call), training.script.full(call.func)
    if name in KEEPING:
        function = full.startswith(("numpy.", "torch."))
        inner = call.args[0] if function and call.args else getattr(call.func, "value", None)
        return known_shapes(training, inner, depth + 1) if inner is not None else []
    sizes: list[ast.expr] | None = None
    if name in BY_SIZES:
        sizes = call.args[1:] if full in ("numpy.reshape", "torch.reshape") else call.args
    elif name in BY_KEYWORD:
        given = keyword(call, "size")
        given = given if given is not None else call.args[-1] if call.args else None
        sizes = [given] if isinstance(given, ast.Tuple) else None
    if sizes and len(sizes) == 1 and isinstance(sizes[0], (ast.Tuple, ast.List)):
        sizes = sizes[0].elts
    if not sizes or any(isinstance(s, ast.Starred) for s in sizes):
        return []
    return [tuple(v if isinstance(v := constant(s), int) and v > 0 else None for s in sizes)]
