"""What a script's own `argparse` makes of its command line."""

from __future__ import annotations

import argparse
import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainadvisor.source.script import Script

UNKNOWN = object()
_MADE = {"int": int, "float": float, "str": str}
_ACTIONS = {"store", "store_true", "store_false", "store_const", "append", "count"}
_PLAIN = ("nargs", "dest", "const")


class _UnreadableError(Exception):
    """An option that the source does not tell whole."""


def options(script: Script, arguments: list[str]) -> argparse.Namespace | None:
    """Return what the only parser of a script gives for arguments, None where that is not known.

    The value of an option is `UNKNOWN` where a function of the script's own makes it.
    """
    made = [call for call in script.calls if script.full(call.func) == "argparse.ArgumentParser"]
    named = script.calls_by_name
    if len(made) != 1 or any(named.get(other) for other in ("add_subparsers", "set_defaults", "register")):
        return None
    if any(_is_handed_on(script, name) for name in _names_of(script, made[0])):
        return None
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    try:
        for call in named.get("add_argument", []):
            _add(parser, script, call)
        return parser.parse_known_args(arguments)[0]
    except (_UnreadableError, argparse.ArgumentError, TypeError, ValueError, SystemExit):
        return None


def _names_of(script: Script, made: ast.Call) -> list[ast.Name]:
    """Return where the name that a parser is given is used."""
    statement = script.statement(made)
    targets = {ast.unparse(target) for target in statement.targets} if isinstance(statement, ast.Assign) else set()
    return [node for node in script.of_type(ast.Name) if node.id in targets]


def _is_handed_on(script: Script, name: ast.Name) -> bool:
    """Return whether a parser is given to a function of another module, which may add options."""
    call = script.parents.get(name)
    own = {function.name for function in script.functions}
    return isinstance(call, ast.Call) and not (isinstance(call.func, ast.Name) and call.func.id in own)


def _add(parser: argparse.ArgumentParser, script: Script, call: ast.Call) -> None:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    names = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args]
    if None in names or None in given:
        raise _UnreadableError
    action = _action(script, given.get("action"))
    settings: dict[str, Any] = {"action": action}
    settings |= {name: _literal(given[name]) for name in _PLAIN if name in given}
    if "default" in given:
        settings["default"] = _literal(given["default"], UNKNOWN)
    if "type" in given:
        settings["type"] = _type(given["type"])
    parser.add_argument(*(str(name) for name in names), **settings)


def _action(script: Script, given: ast.expr | None) -> Any:
    if given is None:
        return "store"
    if script.full(given) == "argparse.BooleanOptionalAction":
        return argparse.BooleanOptionalAction
    if isinstance(given, ast.Constant) and given.value in _ACTIONS:
        return given.value
    raise _UnreadableError


def _literal(given: ast.expr, otherwise: Any = None) -> Any:
    try:
        return ast.literal_eval(given)
    except ValueError:
        if otherwise is not None:
            return otherwise
        raise _UnreadableError from None


def _type(given: ast.expr) -> Any:
    made = _MADE.get(given.id) if isinstance(given, ast.Name) else None
    return made or (lambda _: UNKNOWN)
