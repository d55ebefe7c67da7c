"""Whose parameters an optimizer is given, and which statement takes them from the model."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainadvisor.source.syntax import called, keyword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainadvisor.source.training import Training

DEEPEST = 4
NAMED = frozenset({"parameters", "named_parameters"})
# Calls that go through what they are given only when they are read themselves.
LAZY = frozenset({*NAMED, "filter", "map", "chain"})
GROWING = frozenset({"append", "extend", "insert"})


@dataclass(frozen=True, eq=False)
class Given:
    """A model or a part of one, as it is written, and the statement that reads its parameters."""

    owner: str
    taken: ast.stmt


def given_parameters(training: Training, made: ast.Call) -> list[Given]:
    """Return what an optimizer is given whole, but for frozen weights; empty where some are chosen or it is unknown."""
    given, statement = keyword(made, "params", 0), training.script.statement(made)
    if given is None or statement is None:
        return []
    return list(_owners(training, given, statement))


def overlap(first: str, second: str) -> bool:
    """Return whether one of two models, as they are written, is the other or a part of it."""
    longer, shorter = sorted((first, second), key=len, reverse=True)
    return longer == shorter or longer.startswith((f"{shorter}.", f"{shorter}["))


def _owners(training: Training, expr: ast.expr, taken: ast.stmt, depth: int = 0) -> Iterator[Given]:
    """Yield what an expression reads the parameters of, through the names in it."""
    if depth > DEEPEST or any(_chooses(node) for node in ast.walk(expr)):
        return
    own = {node.id for node in ast.walk(expr) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    owners = [owner for node in ast.walk(expr) if (owner := _read(node)) is not None]
    inside = {node for owner in owners for node in ast.walk(owner)}
    yield from (Given(ast.unparse(owner), taken) for owner in owners)
    for node in ast.walk(expr):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in inside and node.id not in own:
            origin = training.values.single(node)
            if origin is not None and origin is not node and not _grows(training, node.id):
                where = taken if _is_lazy(origin) else training.script.statement(origin)
                yield from _owners(training, origin, where or taken, depth + 1)


def _read(node: ast.AST) -> ast.expr | None:
    """Return the model of which a call reads the parameters."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) in NAMED:
        return node.func.value
    return None


def _chooses(node: ast.AST) -> bool:
    """Return whether a node leaves parameters out for another reason than that they are frozen."""
    if isinstance(node, ast.comprehension):
        return any("requires_grad" not in ast.unparse(condition) for condition in node.ifs)
    if isinstance(node, ast.Call) and called(node) == "filter":
        return "requires_grad" not in ast.unparse(node)
    return isinstance(node, (ast.Subscript, ast.IfExp)) and any(_read(part) is not None for part in ast.walk(node))


def _is_lazy(origin: ast.expr) -> bool:
    return isinstance(origin, ast.GeneratorExp) or (isinstance(origin, ast.Call) and called(origin) in LAZY)


def _grows(training: Training, name: str) -> bool:
    """Return whether a list is given more later on."""
    calls = (call.func for method in GROWING for call in training.script.calls_by_name.get(method, ()))
    return any(isinstance(func, ast.Attribute) and ast.unparse(func.value) == name for func in calls)
