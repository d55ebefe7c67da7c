"""A term of the loss that is made of counts and choices alone, which have no gradient."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from trainadvisor.lint.pattern_declaration import Match, pattern
from trainadvisor.lint.signs import minimized
from trainadvisor.source.syntax import called, constant, last_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

# Calls that count or choose: what they give has no gradient.
COUNTING = frozenset({"one_hot", "argmax", "argmin", "bincount", "histc", "argsort", "unique"})
# Calls that compute from what they are called on or given.
COMPUTING = frozenset({"float", "mean", "sum", "pow", "to", "square", "std", "var", "log", "sqrt", "abs", "view",
                       "double", "reshape", "clamp", "type_as", "unsqueeze", "squeeze", "type", "flatten",
                       "max", "min", "dot"})  # fmt: skip
DEEPEST = 10


@pattern("term", words=(("one_hot(", "argmax(", "bincount(", "histc("), ("backward(",), ("aux", "balanc", "loss")))
def counted_loss_term(training: Training) -> Iterator[Match]:
    """Yield what a loss adds to others and what is computed of counts and choices alone."""
    found = list(minimized(training))
    for part in found if len(found) > 1 else []:
        for made in _made(training, part.node):
            if _kinds(training, made) == {"counted"}:
                yield Match(made, {"term": ast.unparse(made)}, part.node)


def _made(training: Training, node: ast.expr) -> list[ast.expr]:
    """Return what a part of a loss is: itself, or what the modules of the script keep under its name."""
    if not isinstance(node, ast.Attribute):
        return [node]
    owners = training.script.classes.values()
    kept = [v for owner in owners for v in training.script.attribute_values(owner, node.attr) if v is not None]
    return [value for value in kept if not _is_start(value)]


def _is_start(value: ast.expr) -> bool:
    """Return whether a value is the number that something begins with."""
    inner = (
        value.args[0] if isinstance(value, ast.Call) and called(value) in ("tensor", "zeros") and value.args else value
    )
    return isinstance(inner, ast.Constant)


def _kinds(training: Training, node: ast.expr, depth: int = 0) -> set[str]:
    """Return what an expression is made of: "counted", "unknown", numbers left out."""
    if constant(node) is not None:
        return set()
    inner: list[ast.expr] = []
    if isinstance(node, ast.BinOp):
        inner = [node.left, node.right]
    elif isinstance(node, ast.Call) and called(node) in COUNTING:
        return {"counted"}
    elif isinstance(node, ast.Call):
        inner = _computed_from(training, node)
    elif isinstance(node, (ast.Name, ast.Attribute)):
        if last_name(node).isupper() or last_name(node).startswith(("num_", "n_")):
            return set()
        made = training.values.single(node)
        inner = [] if made is None or made is node else [made]
    if not inner or depth > DEEPEST:
        return {"unknown"}
    return set[str]().union(*(_kinds(training, part, depth + 1) for part in inner))


def _computed_from(training: Training, call: ast.Call) -> list[ast.expr]:
    """Return what a call computes from: what it is a method of, or its first argument."""
    if called(call) not in COMPUTING or not isinstance(call.func, ast.Attribute):
        return []
    return call.args[:1] if training.script.full(call.func).startswith("torch.") else [call.func.value]
