"""The names of a script and what is bound to them, scope by scope."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
Kind = Literal["value", "loop", "argument", "augmented", "other"]


@dataclass(frozen=True, eq=False)
class Binding:
    """A name bound at a statement: to a value, to a part of it, or to something that is not followed."""

    name: str
    kind: Kind
    statement: ast.AST
    value: ast.expr | None = None
    # The place in the value, where a tuple is taken apart.
    path: tuple[int, ...] = ()

    @property
    def line(self) -> tuple[int, int]:
        """Return where it takes effect: behind its statement, or at the head of a loop."""
        if isinstance(self.statement, (*LOOPS, ast.With, ast.AsyncWith)):
            return self.statement.lineno, self.statement.col_offset
        return getattr(self.statement, "end_lineno", 0) or 0, getattr(self.statement, "end_col_offset", 0) or 0


def bindings_of(scope: ast.AST) -> dict[str, list[Binding]]:
    """Return the bindings of a scope by name, in the order of the text."""
    found: dict[str, list[Binding]] = defaultdict(list)
    for binding in sorted(_all(scope), key=lambda binding: binding.line):
        found[binding.name].append(binding)
    return found


def inside(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a scope in the order of the text, inner functions and classes only by their heads."""
    waiting: list[ast.AST] = list(_body(scope))[::-1]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, SCOPES):
            waiting += list(ast.iter_child_nodes(node))[::-1]


def _body(scope: ast.AST) -> list[ast.AST]:
    body = getattr(scope, "body", [])
    return list(body) if isinstance(body, list) else [body]


def _all(scope: ast.AST) -> Iterator[Binding]:
    if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        arguments = scope.args
        named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        yield from (Binding(argument.arg, "argument", argument) for argument in named if argument)
    for node in inside(scope):
        yield from _bound(node)


def _bound(node: ast.AST) -> Iterator[Binding]:
    """Yield what a node binds."""
    for target, kind, value in _bound_targets(node):
        yield from _targets(target, kind, node.target if isinstance(node, ast.comprehension) else node, value)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) or (
        isinstance(node, ast.ExceptHandler) and node.name
    ):
        yield Binding(str(node.name), "other", node)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (Binding((alias.asname or alias.name).split(".")[0], "other", node) for alias in node.names)


def _bound_targets(node: ast.AST) -> Iterator[tuple[ast.expr, Kind, ast.expr]]:
    """Yield each target of a node, how it is bound and to what."""
    if isinstance(node, ast.Assign):
        yield from ((target, "value", node.value) for target in node.targets)
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
        yield node.target, "value", node.value
    elif isinstance(node, ast.AugAssign):
        yield node.target, "augmented", node.value
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield node.target, "loop", node.iter
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        yield from ((item.optional_vars, "value", item.context_expr) for item in node.items if item.optional_vars)


def _targets(
    target: ast.expr, kind: Kind, statement: ast.AST, value: ast.expr, path: tuple[int, ...] = ()
) -> Iterator[Binding]:
    """Yield the names of a target; a tuple of values is taken apart with its targets."""
    if isinstance(target, ast.Starred):
        target, kind = target.value, "other"
    if isinstance(target, ast.Name):
        yield Binding(target.id, kind, statement, value, path)
    elif isinstance(target, (ast.Tuple, ast.List)):
        apart = (
            kind == "value"
            and isinstance(value, (ast.Tuple, ast.List))
            and not path
            and len(value.elts) == len(target.elts)
            and not any(isinstance(item, ast.Starred) for item in (*value.elts, *target.elts))
        )
        for number, item in enumerate(target.elts):
            if apart and isinstance(value, (ast.Tuple, ast.List)):
                yield from _targets(item, kind, statement, value.elts[number])
            else:
                yield from _targets(item, kind, statement, value, (*path, number))
