"""Attention whose weights sum to 1 over the queries, while they weigh the values of the keys."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.edits import replaced
from trainadvisor.source.syntax import called, constant, keyword
from trainadvisor.source.uses import reads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PRODUCTS = frozenset({"matmul", "bmm"})
# What leaves the axes and the sums over them as they are.
KEEPING = frozenset({"masked_fill", "masked_fill_", "nan_to_num", "to", "float", "type_as", "dropout", "attn_dropout",
                     "attn_drop", "clamp", "tril"})  # fmt: skip
TURNING = frozenset({"transpose", "permute", "mT", "T", "swapaxes"})
DEEPEST = 8


@pattern("softmax", "dim", "loss", words=(("softmax",), ("transpose(", ".mT", "permute("), ("@", "matmul", "bmm")))
def softmax_wrong_dim(training: Training) -> Iterator[Match]:
    """Yield softmaxes over the last but one dimension of scores of queries and keys that then weigh values."""
    for call in training.script.calls:
        if called(call) != "softmax":
            continue
        method = isinstance(call.func, ast.Attribute) and not training.script.full(call.func).startswith("torch.")
        place = keyword(call, "dim", 0 if method else 1)
        if place is None or constant(place) != -2:  # noqa: PLR2004 - the queries
            continue
        given = call.func.value if method and isinstance(call.func, ast.Attribute) else next(iter(call.args), None)
        if given is None or not _are_scores(training, given):
            continue
        product = _weighs(training, call)
        if product is not None:
            values = {"softmax": ast.unparse(call), "dim": "-2", "loss": ast.unparse(product)}
            yield Match(call, values, product, (replaced(training.source, place, "-1"),))


def _are_scores(training: Training, node: ast.expr, depth: int = 0) -> bool:
    """Return whether a value is a product with something turned, scaled and masked at most."""
    inner: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _is_turned(training, node.right)
    if isinstance(node, ast.Call) and called(node) in PRODUCTS:
        return bool(node.args) and _is_turned(training, node.args[-1])
    if isinstance(node, ast.Name):
        inner = [o.expr for o in training.values.origins(node) if o is not None and not o.path and o.expr is not node]
    elif isinstance(node, ast.BinOp):
        inner = [node.left, node.right]
    elif isinstance(node, ast.Call) and called(node) in KEEPING and isinstance(node.func, ast.Attribute):
        inner = [node.func.value]
    return depth <= DEEPEST and any(_are_scores(training, part, depth + 1) for part in inner)


def _is_turned(training: Training, node: ast.expr) -> bool:
    made = training.values.single(node) if isinstance(node, ast.Name) else node
    while isinstance(made, ast.Call) and called(made) not in TURNING and isinstance(made.func, ast.Attribute):
        made = made.func.value
    return (isinstance(made, ast.Call) and called(made) in TURNING) or (
        isinstance(made, ast.Attribute) and made.attr in TURNING
    )


def _weighs(training: Training, call: ast.Call) -> ast.expr | None:
    """Return the product in which weights stand on the left, if nothing else is done with them before."""
    node: ast.AST = call
    for parent in training.script.ancestors(call):
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.MatMult):
            return parent if parent.left is node else None
        if isinstance(parent, ast.Call) and called(parent) in PRODUCTS:
            return parent if parent.args and parent.args[0] is node else None
        if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
            return _weighs_by_name(training, parent)
        kept = isinstance(parent, ast.Attribute) or (isinstance(parent, ast.Call) and called(parent) in KEEPING)
        if not kept:
            return None
        node = parent
    return None


def _weighs_by_name(training: Training, made: ast.Assign) -> ast.expr | None:
    """Return the product with a name on its left, where the name is not normalized anew before."""
    name = made.targets[0].id  # type: ignore[attr-defined]
    uses = [n for n in reads(training.script.scope(made), name) if n.lineno > made.lineno]
    parents = [training.script.parents.get(n) for n in uses]
    if any(isinstance(p, ast.BinOp) and isinstance(p.op, ast.Div) for p in parents):
        return None
    for use, parent in zip(uses, parents, strict=True):
        if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.MatMult) and parent.left is use:
            return parent
        if isinstance(parent, ast.Call) and called(parent) in PRODUCTS and parent.args and parent.args[0] is use:
            return parent
    return None
