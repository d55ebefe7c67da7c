"""A noising in one jump that weighs image and noise by shares of power, where it needs their square roots."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.source.syntax import called, constant, keyword, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

NOISE = re.compile(r"^(noise|eps|epsilon)(_t|s)?$", re.IGNORECASE)
DRAWS = frozenset({"randn", "randn_like", "normal"})
# Calls that pick or shape what they are given, as a method or as a function of it.
PICKING = frozenset({"view", "reshape", "unsqueeze", "to", "float", "gather", "index_select", "flatten", "expand",
                     "extract", "get_index_from_list", "cuda", "expand_as"})  # fmt: skip
FURTHEST = 12


@pattern("sum", "level", words=(("cumprod(",), ("randn", "normal("), ("1 -", "1.0 -", "1. -", "1-")))
def noise_not_rooted(training: Training) -> Iterator[Match]:
    """Yield level * image + (1 - level) * noise of a level that is a running product."""
    for node in training.script.of_type(ast.BinOp):
        if not isinstance(node.op, ast.Add):
            continue
        for clean, noisy in ((node.left, node.right), (node.right, node.left)):
            level = _shared(clean, noisy)
            if level is not None and _has_noise(training, noisy) and _is_product(training, level):
                yield Match(node, {"sum": ast.unparse(node), "level": ast.unparse(level)})
                break


def _shared(clean: ast.expr, noisy: ast.expr) -> ast.expr | None:
    """Return the factor of one side whose rest to 1 is a factor of the other."""
    rests = [ast.unparse(f.right) for f in _factors(noisy) if _is_rest(f)]  # type: ignore[attr-defined]
    return next((f for f in _factors(clean) if ast.unparse(f) in rests), None)


def _is_rest(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and constant(node.left) in (1, 1.0)


def _factors(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [node.left, node.right]
    return []


def _has_noise(training: Training, side: ast.expr) -> bool:
    """Return whether a factor is noise, by its name or by what drew it."""
    for factor in _factors(side):
        made = training.values.single(factor) if not isinstance(factor, ast.Call) else factor
        if NOISE.search(last_name(factor)) or (isinstance(made, ast.Call) and called(made) in DRAWS):
            return True
    return False


def _is_product(training: Training, level: ast.expr) -> bool:
    """Return whether a level is picked from a running product, with nothing computed on the way."""
    node: ast.expr | None = level
    for _ in range(FURTHEST):
        if isinstance(node, ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call) and called(node) in ("cumprod", "cumulative_product"):
            return True
        elif isinstance(node, ast.Call) and called(node) in PICKING:
            method = isinstance(node.func, ast.Attribute) and not training.script.full(node.func).startswith("torch.")
            node = node.func.value if method and isinstance(node.func, ast.Attribute) else next(iter(node.args), None)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            made = training.values.single(node)
            node = _buffer(training, node) if made is node or made is None else made
        else:
            return False
    return False


def _buffer(training: Training, node: ast.expr) -> ast.expr | None:
    """Return what the buffer of an attribute is registered with."""
    name = node.attr if isinstance(node, ast.Attribute) else ""
    made = [c for c in training.methods("register_buffer") if c.args and constant(c.args[0]) == name]
    return keyword(made[0], "tensor", 1) if len(made) == 1 else None
