"""The single-node mutants of a module: what each replaces, and in which function it stands."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
SMALL = 10
TWINS = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """One node of a module and what stands there instead."""

    path: str
    line: int
    function: str
    """The qualified name of the innermost function around it, empty outside of functions."""
    start: tuple[int, int]
    end: tuple[int, int]
    text: str
    told: str

    @property
    def name(self) -> str:
        """Where it stands and what it does."""
        return f"{self.path}:{self.line}: {self.told}"

    def applied(self, source: str) -> str:
        """Return the module with the mutant in it (columns of an ast count bytes)."""
        lines = source.encode().splitlines(keepends=True)
        (first, left), (last, right) = self.start, self.end
        changed = lines[first - 1][:left] + self.text.encode() + lines[last - 1][right:]
        return b"".join([*lines[: first - 1], changed, *lines[last:]]).decode()


def mutants(path: str, source: str) -> list[Mutant]:
    """Return every mutant of a module."""
    found = []
    for node, where in _walk(ast.parse(source), ""):
        for old, new in _changes(node):
            start, end = (old.lineno, old.col_offset), (old.end_lineno or 0, old.end_col_offset or 0)
            text = f"({ast.unparse(new)})" if isinstance(new, ast.expr) else ast.unparse(new)
            found.append(Mutant(path, old.lineno, where, start, end, text, f"{_short(old)} -> {_short(new)}"))
    return found


def statement(source: str, mutant: Mutant) -> tuple[range, str]:
    """Return the lines of the statement that a mutant changes, and the function that it belongs to.

    Of a statement with a body only the lines before it; a function's own are its defaults, which calls of it notice.
    """
    inner = max(
        (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt) and _around(node, mutant)),
        key=lambda node: (node.lineno, node.col_offset),
    )
    body = getattr(inner, "body", None)
    last = max(inner.lineno, body[0].lineno - 1) if body else inner.end_lineno or inner.lineno
    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
        return range(0), functions(source)[inner.lineno][0]
    return range(inner.lineno, last + 1), mutant.function


def _around(node: ast.stmt, mutant: Mutant) -> bool:
    end = (node.end_lineno or 0, node.end_col_offset or 0)
    return (node.lineno, node.col_offset) <= mutant.start and mutant.end <= end


def functions(source: str) -> dict[int, tuple[str, int]]:
    """Return the innermost function of each line in one, and how far the line is behind the first of it."""
    found: dict[int, tuple[str, int]] = {}
    for node, scope in _scopes(ast.parse(source), ""):
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
            found[line] = (f"{scope}{node.name}", line - node.lineno)
    return found


def _scopes(node: ast.AST, scope: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    for child in ast.iter_child_nodes(node):
        below = scope
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child, scope
            below = f"{scope}{child.name}.<locals>."
        elif isinstance(child, ast.ClassDef):
            below = f"{scope}{child.name}."
        yield from _scopes(child, below)


def _walk(node: ast.AST, where: str, scope: str = "") -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Yield the nodes that may change with their function; no annotation, no text, nothing only for type checkers."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr) or _unseen(child):
                continue
            if isinstance(child, ast.stmt | ast.expr):
                yield child, where
            inner, below = where, scope
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{scope}{child.name}"
                below = f"{inner}.<locals>."
            elif isinstance(child, ast.ClassDef):
                below = f"{scope}{child.name}."
            yield from _walk(child, inner, below)


def _unseen(node: ast.AST) -> bool:
    """Return whether a statement never runs or only names things: type checkers' imports, `__all__`, docstrings."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id in {"__all__", "__slots__"}
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.stmt | ast.expr) -> Iterator[tuple[ast.stmt | ast.expr, ast.stmt | ast.expr]]:
    """Yield what may change at a node, and what may stand there instead."""
    if isinstance(node, ast.If | ast.While):
        yield node.test, ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.expr):
        yield from ((node, changed) for changed in _expressions(node))
    else:
        yield from ((node, changed) for changed in _statements(node))


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else f"{text[:67]}..."


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions that differ from one in a single place."""
    twin = copy.copy(node)
    match twin:
        case ast.Compare():
            yield from _comparisons(twin)
        case ast.BoolOp():
            twin.op = ast.Or() if isinstance(twin.op, ast.And) else ast.And()
            yield twin
        case ast.BinOp() if type(twin.op) in ARITHMETIC and not _text(twin.left) and not _text(twin.right):
            twin.op = ARITHMETIC[type(twin.op)]()
            yield twin
        case ast.UnaryOp(op=ast.Not() | ast.USub()) if not isinstance(twin.operand, ast.Constant):
            yield twin.operand
        case ast.IfExp():
            twin.test = ast.UnaryOp(ast.Not(), twin.test)
            yield twin
        case ast.Constant(value=int() | float()):
            yield ast.Constant(_other(twin.value))
        case ast.Call(func=ast.Name(id=name)) if name in TWINS:
            twin.func = ast.Name(TWINS[name])
            yield twin


def _comparisons(node: ast.Compare) -> Iterator[ast.expr]:
    for place, operator in enumerate(node.ops):
        twin = copy.copy(node)
        twin.ops = [*node.ops[:place], COMPARISONS[type(operator)](), *node.ops[place + 1 :]]
        yield twin


def _other(value: float) -> float:
    """Return another truth value, the other of 0 and 1, the next of a small count, or twice any other number."""
    if isinstance(value, bool):
        return not value
    if value in (0, 1):
        return 1 - int(value)
    return value + 1 if isinstance(value, int) and abs(value) <= SMALL else 2 * value


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _statements(node: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statements that differ from one in a single place."""
    match node:
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()
