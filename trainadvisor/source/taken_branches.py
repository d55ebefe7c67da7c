"""Which branches of a script its command line leaves out: `if mode == "train":` with `mode = sys.argv[1]`."""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.source.script import Script

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other, ast.NotIn: lambda one, other: one not in other,
}  # fmt: skip
_MADE: dict[str, Callable[[Any], Any]] = {"len": len, "int": int, "float": float, "str": str, "bool": bool, "set": set}


class _UnknownError(Exception):
    """A value that the source and the command line do not tell."""


class TakenBranches:
    """Follows a script's conditions as far as its command line decides them."""

    def __init__(self, script: Script, arguments: list[str]) -> None:
        """Take a script and what `sys.argv` holds while it runs."""
        self._script, self._arguments = script, arguments

    def leave_out(self, node: ast.AST) -> bool:
        """Return whether a node lies in a branch that is not taken."""
        inner = node
        for around in self._script.ancestors(node):
            if isinstance(around, ast.If) and inner is not around.test:
                taken = self._truth(around.test)
                if taken is not None and taken is not (inner in around.body):
                    return True
            inner = around
        return False

    def _truth(self, test: ast.expr) -> bool | None:
        """Return whether a condition holds, None where that is not known."""
        try:
            return bool(self._value(test))
        except (_UnknownError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            return None

    def _value(self, expr: ast.expr) -> Any:
        """Return the value of an expression of constants, names bound once to such, and `sys.argv`."""
        if isinstance(expr, ast.Constant):
            return expr.value
        if isinstance(expr, ast.Name):
            return self._value(self._bound(expr))
        if isinstance(expr, ast.IfExp):
            return self._value(expr.body if self._value(expr.test) else expr.orelse)
        if isinstance(expr, (ast.Attribute, ast.Subscript, ast.Tuple, ast.List, ast.Set)):
            return self._of_list(expr)
        return self._of_operation(expr)

    def _of_list(self, expr: ast.Attribute | ast.Subscript | ast.Tuple | ast.List | ast.Set) -> Any:
        if isinstance(expr, ast.Subscript):
            return self._value(expr.value)[self._index(expr.slice)]
        if not isinstance(expr, ast.Attribute):
            return [self._value(item) for item in expr.elts]
        if self._script.full(expr) != "sys.argv":
            raise _UnknownError
        return self._arguments

    def _of_operation(self, expr: ast.expr) -> Any:
        if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.Not):
            return not self._value(expr.operand)
        if isinstance(expr, ast.BoolOp):
            sides = (bool(self._value(side)) for side in expr.values)  # looked at as far as Python does
            return all(sides) if isinstance(expr.op, ast.And) else any(sides)
        if isinstance(expr, ast.Compare) and len(expr.ops) == 1:
            return _COMPARED[type(expr.ops[0])](self._value(expr.left), self._value(expr.comparators[0]))
        plain = isinstance(expr, ast.Call) and isinstance(expr.func, ast.Name) and len(expr.args) == 1
        if plain and isinstance(expr, ast.Call) and expr.func.id in _MADE and not expr.keywords:  # type: ignore[attr-defined]
            return _MADE[expr.func.id](self._value(expr.args[0]))  # type: ignore[attr-defined]
        raise _UnknownError

    def _index(self, place: ast.expr) -> Any:
        if not isinstance(place, ast.Slice):
            return self._value(place)
        return slice(*(None if end is None else self._value(end) for end in (place.lower, place.upper, place.step)))

    def _bound(self, name: ast.Name) -> ast.expr:
        """Return the only value of a name of the module, which no function around binds anew."""
        script = self._script
        scopes = [scope for scope in script.ancestors(name) if isinstance(scope, (ast.FunctionDef, ast.Lambda))]
        own = script.bindings(script.tree).get(name.id, [])
        if any(name.id in script.bindings(scope) for scope in scopes) or len(own) != 1:
            raise _UnknownError
        if own[0].kind != "value" or own[0].path or own[0].value is None or self._is_global(name.id):
            raise _UnknownError
        return own[0].value

    def _is_global(self, name: str) -> bool:
        return any(name in node.names for node in self._script.of_type(ast.Global))
