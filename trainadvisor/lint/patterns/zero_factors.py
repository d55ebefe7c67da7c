"""Two factors of one product that both start at zero, as in an adapter: neither ever gets a gradient."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, is_self, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

ZERO = frozenset({"zeros_", "zero_"})
DRAWS = re.compile(r"(normal|uniform|orthogonal|sparse|copy)_$")
PRODUCTS = frozenset({"matmul", "mm", "bmm", "linear", "einsum"})


@pattern("fill", words=(("zeros_(", "zero_(", "zeros(", "constant_("), ("Parameter(", "Linear(")))
def symmetric_initialization(training: Training) -> Iterator[Match]:
    """Yield where the second of two parameters that are multiplied is left at zero too, by everything in its class."""
    if _draws_all(training):
        return
    for owner in training.script.classes.values():
        starts = _starts(training, owner)
        zero = {name: nodes[-1] for name, nodes in starts.items() if nodes and all(map(_is_zero, nodes))}
        if len(zero) > 1:
            product = next((p for p in _products(training, owner) if len(p & set(zero)) > 1), None)
            if product is not None:
                first, second = sorted((zero[name] for name in product if name in zero), key=lambda n: n.lineno)[:2]
                said = {"fill": f"`{ast.unparse(first)}` beside `{ast.unparse(second)}`"}
                yield Match(second, said, first)


def _draws_all(training: Training) -> bool:
    """Return whether the script fills parameters that a loop or a function gets, whichever they are."""
    for call in training.script.calls:
        filled = _target(training, call)
        if called(call) == "apply" and call.args and not _is_known(training, call.args[0]):
            return True
        if isinstance(filled, ast.Name) and DRAWS.search(called(call)):
            return True
    return False


def _is_known(training: Training, given: ast.expr) -> bool:
    """Return whether a function that is applied to all modules stands in the script."""
    return isinstance(given, (ast.Name, ast.Attribute)) and any(
        function.name == ast.unparse(given).rpartition(".")[2] for function in training.script.functions
    )


def _starts(training: Training, owner: ast.ClassDef) -> dict[str, list[ast.expr]]:
    """Return what each parameter of a class is set to: its making, where that says so, and the calls that fill it."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(owner):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and called(node.value) == "Parameter":
            for target in node.targets:
                if isinstance(target, ast.Attribute) and is_self(target.value):
                    found.setdefault(target.attr, [])
                    if not _is_empty(node.value):
                        found[target.attr].append(node.value)
        elif isinstance(node, ast.Call):
            name = _filled(training, owner, node)
            if name and not (_is_zero(node) and any(isinstance(n, ast.If) for n in training.script.ancestors(node))):
                found.setdefault(name, []).append(node)
    for call in training.script.calls:
        filled = _target(training, call)
        known = isinstance(filled, ast.Attribute) and filled.attr in found and not is_self(filled.value)
        if isinstance(filled, ast.Attribute) and known and DRAWS.search(called(call)):
            found[filled.attr].append(call)
    return {name: _last(nodes) for name, nodes in found.items()}


def _last(nodes: list[ast.expr]) -> list[ast.expr]:
    """Return the calls that fill a parameter where there are any, else its making."""
    fills = [n for n in nodes if not (isinstance(n, ast.Call) and called(n) == "Parameter")]
    return fills or nodes


def _is_empty(made: ast.Call) -> bool:
    """Return whether a parameter is made of memory whose contents do not count."""
    inner = made.args[0] if made.args else None
    return isinstance(inner, ast.Call) and called(inner) in ("empty", "Tensor")


def _filled(training: Training, owner: ast.ClassDef, call: ast.Call) -> str:
    """Return the attribute that a call fills in place: nn.init.x_(self.a), self.a.data.x_(), its weight alike."""
    target = _target(training, call)
    weight = isinstance(target, ast.Attribute) and target.attr == "weight"
    if isinstance(target, ast.Attribute) and weight:
        target = target.value
    if not (isinstance(target, ast.Attribute) and is_self(target.value)):
        return ""
    return target.attr if not weight or _is_plain_layer(training, owner, target.attr) else ""


def _target(training: Training, call: ast.Call) -> ast.expr | None:
    """Return what a call fills in place, without its `.data`."""
    if not called(call).endswith("_") or called(call) in ("requires_grad_", "register_parameter_"):
        return None
    is_function = training.script.full(call.func).startswith("torch.nn.init.")
    target = call.args[0] if is_function and call.args else getattr(call.func, "value", None)
    return target.value if isinstance(target, ast.Attribute) and target.attr == "data" else target


def _is_plain_layer(training: Training, owner: ast.ClassDef, name: str) -> bool:
    """Return whether an attribute is a linear layer without a bias, which would let the next one learn."""
    made = [value for value in training.script.attribute_values(owner, name) if isinstance(value, ast.Call)]
    return bool(made) and all(called(m) == "Linear" and constant(keyword(m, "bias", 2)) is False for m in made)


def _is_zero(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and called(node) == "Parameter":
        inner = node.args[0] if node.args else None
        return isinstance(inner, ast.Call) and called(inner) in ("zeros", "zeros_like")
    if isinstance(node, ast.Call) and called(node) == "constant_":
        return constant(keyword(node, "val", 1)) in (0, 0.0)
    return isinstance(node, ast.Call) and called(node) in ZERO


def _products(training: Training, owner: ast.ClassDef) -> Iterator[set[str]]:
    """Yield the attributes that are multiplied with each other: a @ b, F.linear(F.linear(x, a), b), b(a(x))."""
    for node in ast.walk(owner):
        if isinstance(node, ast.Call) and _is_own(node.func):
            held = [training.values.single(argument) or argument for argument in node.args]
            within = [node, *(n for value in held for n in ast.walk(value))]
            yield {n.func.attr for n in within if isinstance(n, ast.Call) and _is_own(n.func)}  # type: ignore[attr-defined]
        elif _is_product(node):
            yield _factors(node)


def _is_product(node: ast.AST) -> bool:
    matmul = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
    return matmul or (isinstance(node, ast.Call) and called(node) in PRODUCTS)


def _is_own(func: ast.expr) -> bool:
    return isinstance(func, ast.Attribute) and is_self(func.value)


def _factors(node: ast.AST) -> set[str]:
    """Return the attributes in a product; the parts of a sum are no factors of each other, nor is a bias."""
    if any(isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Add, ast.Sub)) for n in ast.walk(node)):
        return set()
    linear = [n for n in ast.walk(node) if isinstance(n, ast.Call) and called(n) == "linear"]
    biases = {n for call in linear if (bias := keyword(call, "bias", 2)) is not None for n in ast.walk(bias)}
    kept = [n for n in ast.walk(node) if n not in biases]
    return {n.attr for n in kept if isinstance(n, ast.Attribute) and is_self(n.value)}
