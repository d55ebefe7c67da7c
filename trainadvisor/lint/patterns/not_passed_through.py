"""A quantizer without a straight-through estimator: what is looked up goes on alone, and no gradient passes by."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called
from trainadvisor.source.training import words_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Other ways for a gradient past a choice.
OTHERS = re.compile(
    r"gumbel|autograd\.Function|\bFunction\b|rotat|register_hook|stop_?grad|custom_gradient", re.IGNORECASE
)
RESHAPING = frozenset({"view", "reshape", "permute", "transpose", "contiguous", "view_as", "movedim", "unsqueeze",
                       "squeeze", "flatten", "rearrange", "type", "to"})  # fmt: skip


@pattern(
    "quantized", "value", words=(("argmin(", ".min("), (".detach()",), ("codebook", "embed", "code"), ("forward(",))
)
def straight_through_missing(training: Training) -> Iterator[Match]:
    """Yield what a function returns of entries looked up by nearness, beside a loss that pulls its input to them."""
    script = training.script
    if OTHERS.search(words_of(script.tree)) or any(_passes(node) for node in script.of_type(ast.BinOp)):
        return
    for function in script.functions:
        pulled = _pulled(training, function)
        for node in script.inside(function):
            value = node.value if isinstance(node, ast.Return) else None
            for given in value.elts if isinstance(value, ast.Tuple) else [value]:
                name = _name(given)
                if name is not None and name.id in pulled and _is_looked_up(training, name):
                    yield Match(given, {"quantized": name.id, "value": pulled[name.id]})  # type: ignore[arg-type]


def _passes(node: ast.BinOp) -> bool:
    """Return whether a sum adds a difference that has no gradient."""
    inner = list(ast.walk(node))
    detached = any(isinstance(n, ast.Attribute) and n.attr in ("detach", "data") for n in inner)
    return isinstance(node.op, ast.Add) and detached and any(isinstance(n, ast.Sub) for n in inner)


def _pulled(training: Training, function: ast.AST) -> dict[str, str]:
    """Return the names of looked-up values that a loss of a function holds detached, with what it pulls to them."""
    found = {}
    for call in training.script.inside(function):
        sides = call.args[:2] if isinstance(call, ast.Call) and "loss" in called(call).lower() else []
        sides = [call.left, call.right] if isinstance(call, ast.BinOp) and isinstance(call.op, ast.Sub) else sides
        for detached, other in (sides, sides[::-1]) if len(sides) == 2 else ():  # noqa: PLR2004
            if isinstance(detached, ast.Call) and called(detached) == "detach" and isinstance(other, ast.Name):
                found[words_of(detached.func.value)] = other.id  # type: ignore[attr-defined]
    return found


def _name(node: ast.expr | None) -> ast.Name | None:
    """Return the name that an expression only reshapes."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RESHAPING:
        node = node.func.value
    return node if isinstance(node, ast.Name) else None


def _is_looked_up(training: Training, name: ast.Name) -> bool:
    """Return whether a value is the entry of a table at the place of the smallest distance, on every way."""
    found = training.values.origins(name)
    return bool(found) and all(o is not None and not o.path and _is_nearest(training, o.expr) for o in found)


def _is_nearest(training: Training, made: ast.expr) -> bool:
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in RESHAPING:
        made = made.func.value
    places = made.args[:2] if isinstance(made, ast.Call) else [made.slice] if isinstance(made, ast.Subscript) else []
    asked = [o.expr for place in places for o in training.values.origins(place) if o is not None]
    return any("argmin(" in words_of(e) or re.search(r"\.min\([^()]*\d\)", words_of(e)) for e in asked)
