"""What single nodes of a syntax tree say: calls, their arguments, constants and words."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_self(node: ast.AST) -> bool:
    """Return whether a node is the name `self`."""
    return isinstance(node, ast.Name) and node.id == "self"


def called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    func = call.func
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def keyword(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """Return an argument of a call, by name or by place."""
    for entry in call.keywords:
        if entry.arg == name:
            return entry.value
    if place is not None and place < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
        return call.args[place]
    return None


def is_open(call: ast.Call) -> bool:
    """Return whether a call spreads arguments that are not seen."""
    return any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords)


def constant(node: ast.AST | None) -> object:
    """Return the value of a literal, None where it is none."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        value = node.operand.value
        return -value if isinstance(value, (int, float)) else None
    return None


def last_name(node: ast.AST) -> str:
    """Return what a name or an attribute is called, "" for anything else."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def words(node: ast.AST) -> str:
    """Return an expression as one line of text."""
    return ast.unparse(node)


def names_in(node: ast.AST, use: type[ast.expr_context] = ast.expr_context) -> set[str]:
    """Return the names that a node uses, or those that it uses in one way: reads or binds."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, use)}


def in_head(child: ast.AST, parent: ast.AST) -> bool:
    """Return whether a node is a default, decorator or base, which belong to the scope outside."""
    body = getattr(parent, "body", [])
    return child is not body and not (isinstance(body, list) and child in body)


def assignments(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr | None]]:
    """Yield the targets that a statement binds, each with its value where that is one expression."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, (ast.Tuple, ast.List)):
                values = node.value.elts if isinstance(node.value, (ast.Tuple, ast.List)) else []
                matched = len(values) == len(target.elts)
                yield from ((item, values[n] if matched else None) for n, item in enumerate(target.elts))
            else:
                yield target, node.value
    elif isinstance(node, ast.AnnAssign):
        yield node.target, node.value
    elif isinstance(node, ast.AugAssign):
        yield node.target, None
