"""The values that a script and its command line tell without running it."""

from __future__ import annotations

import argparse
import ast
import operator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trainadvisor.source.command_line import UNKNOWN, options
from trainadvisor.source.kept_values import is_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.source.bindings import Binding
    from trainadvisor.source.script import Script

Function = ast.FunctionDef | ast.AsyncFunctionDef

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda one, other: one in other, ast.NotIn: lambda one, other: one not in other,
}  # fmt: skip
_MADE: dict[str, Callable[[Any], Any]] = {"len": len, "int": int, "float": float, "str": str, "bool": bool, "set": set}


class UntoldError(Exception):
    """A value that the source and the command line do not tell."""


class ToldValues:
    """Follows expressions as far as constants, `sys.argv` and `argparse` decide them."""

    def __init__(self, script: Script, arguments: list[str]) -> None:
        """Take a script and what `sys.argv` holds while it runs."""
        self._script, self._arguments = script, arguments
        self._pending: set[ast.AST] = set()

    def truth(self, test: ast.expr) -> bool | None:
        """Return whether a condition holds, None where that is not known."""
        try:
            return bool(self.value(test))
        except (UntoldError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
            return None

    def value(self, expr: ast.expr) -> Any:
        """Return the value of an expression; UntoldError where it is not told."""
        if isinstance(expr, ast.Constant):
            return expr.value
        for kind, follow in self._followed.items():
            if isinstance(expr, kind):
                return follow(expr)
        raise UntoldError

    @cached_property
    def _followed(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        listed = dict.fromkeys((ast.Tuple, ast.List, ast.Set), lambda expr: [self.value(item) for item in expr.elts])
        return {
            ast.Name: self._of_name, ast.Attribute: self._of_attribute, ast.Call: self._of_call, **listed,
            ast.IfExp: lambda expr: self.value(expr.body if self.value(expr.test) else expr.orelse),
            ast.Subscript: lambda expr: self.value(expr.value)[self._index(expr.slice)],
            ast.UnaryOp: self._of_not, ast.BoolOp: self._of_sides, ast.Compare: self._of_comparison,
        }  # fmt: skip

    def _of_not(self, expr: ast.UnaryOp) -> bool:
        if not isinstance(expr.op, ast.Not):
            raise UntoldError
        return not self.value(expr.operand)

    def _of_sides(self, expr: ast.BoolOp) -> bool:
        sides = (bool(self.value(side)) for side in expr.values)  # looked at as far as Python does
        return all(sides) if isinstance(expr.op, ast.And) else any(sides)

    def _of_comparison(self, expr: ast.Compare) -> Any:
        if len(expr.ops) != 1:
            raise UntoldError
        return _COMPARED[type(expr.ops[0])](self.value(expr.left), self.value(expr.comparators[0]))

    def _index(self, place: ast.expr) -> Any:
        if not isinstance(place, ast.Slice):
            return self.value(place)
        return slice(*(None if end is None else self.value(end) for end in (place.lower, place.upper, place.step)))

    def _of_call(self, call: ast.Call) -> Any:
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"parse_args", "parse_known_args"}:
            parsed = self._parsed(call)
            return parsed if call.func.attr == "parse_args" else [parsed, UNKNOWN]
        if not isinstance(call.func, ast.Name):
            raise UntoldError
        made = _MADE.get(call.func.id)
        if made is not None and len(call.args) == 1 and not call.keywords:
            return made(self.value(call.args[0]))
        return self._returned(call.func.id)

    def _parsed(self, call: ast.Call) -> argparse.Namespace:
        given = self.value(call.args[0]) if call.args else None
        if call.keywords or len(call.args) > 1:
            raise UntoldError
        found = options(self._script, self._arguments[1:]) if given is None else options(self._script, given)
        if found is None:
            raise UntoldError
        return found

    def _returned(self, name: str) -> Any:
        """Return what a function of the script gives back at its only return."""
        made = [function for function in self._script.functions if function.name == name]
        returns = [node for node in self._script.inside(made[0]) if isinstance(node, ast.Return)] if made else []
        if len(made) != 1 or len(returns) != 1 or returns[0].value is None or returns[0] is not made[0].body[-1]:
            raise UntoldError
        return self.value(returns[0].value)

    def _of_attribute(self, expr: ast.Attribute) -> Any:
        if self._script.full(expr) == "sys.argv" and "argv" not in self._changed:
            return self._arguments
        held = self.value(expr.value)
        if not isinstance(held, argparse.Namespace) or expr.attr in self._changed:
            raise UntoldError
        found = getattr(held, expr.attr)
        if found is UNKNOWN or (isinstance(found, list) and UNKNOWN in found):
            raise UntoldError
        return found

    @cached_property
    def _changed(self) -> set[str]:
        """The names of attributes that something else is bound to, or that are changed in place."""
        script = self._script
        attributes = script.of_type(ast.Attribute)
        anything = bool(script.calls_by_name.get("setattr")) or any(node.attr == "__dict__" for node in attributes)
        called_on = {id(call.func.value) for call in script.calls if isinstance(call.func, ast.Attribute)}
        kept = {id(node) for node in attributes if isinstance(node.ctx, ast.Load) and id(node) not in called_on}
        return {node.attr for node in attributes if anything or id(node) not in kept}

    def _of_name(self, name: ast.Name) -> Any:
        """Return the only value that a name may have where it stands."""
        found = self._script.reaching(name)
        if len(found) != 1 or self._is_global(name.id) or found[0].statement in self._pending:
            raise UntoldError
        self._pending.add(found[0].statement)
        try:
            value = self._of_binding(found[0])
        finally:
            self._pending.discard(found[0].statement)
        parsed = isinstance(value, argparse.Namespace)
        if (parsed or isinstance(value, list)) and not is_kept(self._script, name.id, options=parsed):
            raise UntoldError
        return value

    def _of_binding(self, binding: Binding) -> Any:
        if isinstance(binding.statement, ast.arg):
            return self._of_argument(binding.statement)
        if binding.value is None or binding.kind != "value":
            raise UntoldError
        found = self.value(binding.value)
        for place in binding.path:
            found = found[place]
        return found

    def _of_argument(self, argument: ast.arg) -> Any:
        """Return what every call of a plain function gives for an argument."""
        function = self._script.function_of(argument)
        if function is None or not self._only_called(function):
            raise UntoldError
        values = [self.value(_given(call, function, argument)) for call in self._script.callers(function)]
        if not values or any(value != values[0] for value in values):
            raise UntoldError
        return values[0]

    def _only_called(self, function: Function) -> bool:
        """Return whether a function of the module is called by its name and handed to nobody."""
        script = self._script
        callers = {id(call.func) for call in script.callers(function)}
        named = [node for node in script.of_type(ast.Name) if node.id == function.name]
        plain = isinstance(script.parents.get(function), ast.Module) and not function.decorator_list
        return plain and all(id(node) in callers for node in named)

    def _is_global(self, name: str) -> bool:
        declared = self._script.of_type(ast.Global, ast.Nonlocal)
        return any(isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names for node in declared)


def _given(call: ast.Call, function: Function, argument: ast.arg) -> ast.expr:
    """Return what a call gives for an argument: a keyword, a place, or the default."""
    if any(isinstance(value, ast.Starred) for value in call.args) or any(k.arg is None for k in call.keywords):
        raise UntoldError
    named = next((keyword.value for keyword in call.keywords if keyword.arg == argument.arg), None)
    placed = [*function.args.posonlyargs, *function.args.args]
    place = placed.index(argument) if argument in placed else -1
    if named is not None or 0 <= place < len(call.args):
        return named if named is not None else call.args[place]
    defaults = dict(zip(reversed(placed), reversed(function.args.defaults), strict=False))
    named_only = dict(zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True))
    default = defaults.get(argument) or named_only.get(argument)
    if default is None:
        raise UntoldError
    return default
