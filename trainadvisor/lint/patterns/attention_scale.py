"""Scores of attention that are multiplied by the root of their size where they are to be divided by it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

QUERY = re.compile(r"(^|[^a-z])(q|query|queries|qs)([^a-z]|$)", re.IGNORECASE)
KEY = re.compile(r"(^|[^a-z])(k|keys?|ks)([^a-z]|$)", re.IGNORECASE)
PRODUCTS = frozenset({"matmul", "bmm", "einsum"})
ROOT = 0.5


@pattern("scores", "scale", words=(("sqrt", "0.5"), ("softmax", "Softmax")))
def attention_scale_inverted(training: Training) -> Iterator[Match]:
    """Yield products of queries and keys that are divided by 1 / sqrt(d), or multiplied by sqrt(d)."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, (ast.Mult, ast.Div)):
            continue
        sides = [(node.left, node.right)]
        if isinstance(node.op, ast.Mult):
            sides.append((node.right, node.left))
        for scores, scale in sides:
            power = _power(training, scale)
            if power is None or not _is_scores(training, scores):
                continue
            if (power > 0) == isinstance(node.op, ast.Mult):
                source = training.source
                other = "/" if isinstance(node.op, ast.Mult) else "*"
                new = f"{source.segment(scores)} {other} {source.segment(scale)}"
                yield Match(node, {"scores": ast.unparse(scores), "scale": ast.unparse(scale)},
                            fix=(replaced(source, node, new),))  # fmt: skip


def _power(training: Training, scale: ast.expr) -> float | None:
    """Return to which power a scale takes the size of a head: 0.5 for its root, -0.5 for one over it."""
    origin = training.values.single(scale) if isinstance(scale, (ast.Name, ast.Attribute)) else scale
    while isinstance(origin, ast.Call) and called(origin) in ("tensor", "float", "FloatTensor") and origin.args:
        origin = origin.args[0].elts[0] if isinstance(origin.args[0], ast.List) else origin.args[0]
    if isinstance(origin, ast.Call) and called(origin) in ("sqrt", "rsqrt"):
        return ROOT if called(origin) == "sqrt" else -ROOT
    if not isinstance(origin, ast.BinOp):
        return None
    if isinstance(origin.op, ast.Pow) and constant(origin.right) in (ROOT, -ROOT):
        return float(constant(origin.right))  # type: ignore[arg-type]
    if isinstance(origin.op, ast.Div) and constant(origin.left) in (1, 1.0):
        below = _power(training, origin.right)
        return -below if below is not None else None
    return None


def _is_scores(training: Training, scores: ast.expr) -> bool:
    """Return whether something is a product of queries and keys: `q @ k.transpose(-2, -1)`, under a name or not."""
    origin = training.values.single(scores) if isinstance(scores, ast.Name) else scores
    if isinstance(origin, ast.BinOp) and isinstance(origin.op, ast.MatMult):
        sides = [origin.left, origin.right]
    elif isinstance(origin, ast.Call) and called(origin) in PRODUCTS:
        own = origin.func.value if isinstance(origin.func, ast.Attribute) else None
        method = own is not None and not training.script.full(own).startswith(("torch", "numpy"))
        sides = [*([own] if method and own is not None else []), *origin.args]
    else:
        return False
    texts = [ast.unparse(side) for side in sides]
    return any(map(QUERY.search, texts)) and any(map(KEY.search, texts))
