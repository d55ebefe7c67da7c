"""An adapter whose product is scaled where it is trained, and merged into the weight as it is."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

PRODUCTS = frozenset({"matmul", "mm", "bmm", "einsum", "dot"})
BOTH = 2


@pattern("product", "scale", words=(("merge", "fuse", "fold", "bake", "export"), ("weight",), ("*",)))
def merged_without_scale(training: Training) -> Iterator[Match]:
    """Yield products of two factors that a module adds to a weight without the number that forward() scales them by."""
    for owner in training.module_classes:
        forward = training.script.method(owner, "forward")
        for method in (n for n in owner.body if isinstance(n, ast.FunctionDef) and n is not forward):
            product = next((n for n in ast.walk(method) if _is_product(n)), None)
            if forward is None or product is None or not _writes_weight(method) or _is_scaled(method):
                continue
            factors = _own(product)
            scale = next(iter(_scales(forward, factors)), None) if len(factors) == BOTH else None
            if scale and not _is_used(owner, method, scale):
                yield Match(product, {"product": ast.unparse(product), "scale": f"self.{scale}"}, forward)


def _is_product(node: ast.AST) -> bool:
    is_operator = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    return (is_operator or (isinstance(node, ast.Call) and called(node) in PRODUCTS)) and len(_own(node)) == BOTH


def _writes_weight(method: ast.FunctionDef) -> bool:
    """Return whether a method sets a weight, or changes one in place."""
    for node in ast.walk(method):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(node, ast.Call) and called(node) in ("add_", "sub_", "copy_"):
            targets = [node.func]
        if any(target is not None and "weight" in ast.unparse(target) for target in targets):
            return True
    return False


def _is_scaled(method: ast.FunctionDef) -> bool:
    """Return whether a method multiplies or divides anything: by the parts of the scale, under other names."""
    nodes = list(ast.walk(method))
    operators = (n.op for n in nodes if isinstance(n, (ast.BinOp, ast.AugAssign)))
    calls = (n for n in nodes if isinstance(n, ast.Call))
    return any(isinstance(op, (ast.Mult, ast.Div)) for op in operators) or any(
        called(c) in ("mul", "mul_", "div", "div_") or keyword(c, "alpha") is not None for c in calls
    )


def _own(node: ast.AST) -> set[str]:
    """Return the attributes of the object that a node reads."""
    return {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute) and is_self(n.value)}


def _scales(forward: ast.FunctionDef, factors: set[str]) -> Iterator[str]:
    """Yield the attributes by which forward() multiplies or divides what both factors make."""
    held = [
        (t.id, _own(n.value)) for n in ast.walk(forward) if isinstance(n, ast.Assign)
        for t in n.targets if isinstance(t, ast.Name)
    ]  # fmt: skip
    for node in ast.walk(forward):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Div)):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            names = {n.id for n in ast.walk(other) if isinstance(n, ast.Name)}
            made = _own(other).union(*(own for name, own in held if name in names))
            alone = isinstance(one, ast.Attribute) and is_self(one.value) and one.attr not in factors
            if alone and factors <= made:
                yield one.attr  # type: ignore[attr-defined]


def _is_used(owner: ast.ClassDef, method: ast.FunctionDef, scale: str) -> bool:
    """Return whether a method reads the scale, itself, or hands the product to one of its object that does."""
    reading = {n.name for n in owner.body if isinstance(n, ast.FunctionDef) and scale in _own(n)}
    around = {n.name for n in owner.body if isinstance(n, ast.FunctionDef) and method.name in _own(n)}
    own = _own(method)
    return scale in own or bool(own & (reading - {"forward", "__init__"})) or bool(around & reading)
