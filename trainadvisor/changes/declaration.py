"""What a change is: a function of one application and typed arguments, known by a word."""

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from trainadvisor.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Argument:
    """An argument of a change: its type as a word, what it is when it is left out, the words it may be."""

    type: str
    default: Any
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChangeSpec:
    """What is known about a change without applying it."""

    name: str
    arguments: dict[str, Argument]
    doc: str
    zh: str
    limits: str
    limits_zh: str
    function: Callable[..., None]


@dataclass(frozen=True)
class Choice:
    """A change with checked arguments, ready to be applied."""

    spec: ChangeSpec
    arguments: dict[str, Any]


_declared: dict[str, ChangeSpec] = {}
_WORDS = {float: "number", int: "whole number", str: "word", bool: "truth"}


def change(name: str, *, zh: str, limits: str, limits_zh: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a function as the change of that name; its docstring says what it does, `limits` what it cannot do."""

    def declare(function: Callable[..., None]) -> Callable[..., None]:
        doc = " ".join((function.__doc__ or "").split())
        _declared[name] = ChangeSpec(name, _arguments(function), doc, zh, limits, limits_zh, function)
        return function

    return declare


def all_changes() -> dict[str, ChangeSpec]:
    """Return every change by its name; torch is not imported for it."""
    _import_all()
    return dict(sorted(_declared.items()))


def chosen(wanted: list[dict[str, Any]]) -> list[Choice]:
    """Return the changes that `[{"change": ..., "arguments": {...}}]` asks for; raise UsageError for a wrong one."""
    return [_choice(item) for item in wanted]


@cache
def _import_all() -> None:
    package = importlib.import_module("trainadvisor.changes")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def _choice(item: dict[str, Any]) -> Choice:
    known = all_changes()
    name = item.get("change")
    if not isinstance(name, str) or name not in known:
        hint = did_you_mean(str(name), known)
        raise UsageError(f"change {name!r}: there is no such change{hint}; `trainadvisor changes` lists them")
    given = item.get("arguments") or {}
    if not isinstance(given, dict):
        raise UsageError(f'change "{name}": "arguments" must be a table of names and values')
    spec = known[name]
    return Choice(spec, {key: _value(spec, key, value) for key, value in given.items()})


def _value(spec: ChangeSpec, key: str, value: object) -> object:
    """Return the value as the argument's type; a whole number may be written as 40.0."""
    place = f'change "{spec.name}"'
    if key not in spec.arguments:
        listed = ", ".join(spec.arguments) or "none"
        raise UsageError(f"{place}: there is no argument {key!r}{did_you_mean(key, spec.arguments)}; it takes {listed}")
    argument = spec.arguments[key]
    if value is None and argument.default is None:
        return None
    fitted = _fitted(argument.type, value)
    if fitted is None:
        raise UsageError(f"{place}: {key} is a {argument.type}, not {value!r}")
    if argument.choices and fitted not in argument.choices:
        hint = did_you_mean(str(fitted), argument.choices)
        raise UsageError(f"{place}: {key} cannot be {fitted!r}{hint}; choose {', '.join(argument.choices)}")
    return fitted


def _fitted(kind: str, value: object) -> object | None:
    if isinstance(value, bool) or kind == "truth":
        return value if isinstance(value, bool) and kind == "truth" else None
    if isinstance(value, int | float) and kind in ("number", "whole number"):
        return float(value) if kind == "number" else int(value) if value == int(value) else None
    return value if isinstance(value, str) and kind == "word" else None


def _arguments(function: Callable[..., None]) -> dict[str, Argument]:
    hints = typing.get_type_hints(function)
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {p.name: Argument(*_type(hints[p.name], p.default)) for p in parameters}


def _type(hint: Any, default: Any) -> tuple[str, Any, tuple[str, ...]]:
    plain = default if default is not inspect.Parameter.empty else None
    options = (
        typing.get_args(hint)
        if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
        else (hint,)
    )
    (kind,) = [option for option in options if option is not type(None)]
    if typing.get_origin(kind) is Literal:
        return "word", plain, typing.get_args(kind)
    return _WORDS[kind], plain, ()
