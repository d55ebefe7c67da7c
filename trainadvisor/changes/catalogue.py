"""The catalogue of changes, available without importing torch; everything about changes is looked up here."""

import importlib
import math
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import trainadvisor.changes as package
from trainadvisor.changes.declaration import NEITHER, Argument, ChangeSpec, declared
from trainadvisor.errors import UsageError, did_you_mean

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
TEXTS = {
    "doc": "the docstring is missing; say in English what the change does",
    "zh": "zh is missing; say in Chinese what the change does",
    "limits": "limits is missing; say in English what the change cannot do",
    "limits_zh": "limits_zh is missing; say in Chinese what the change cannot do",
}


@dataclass(frozen=True)
class Choice:
    """A change with checked arguments, ready to be applied."""

    spec: ChangeSpec
    arguments: dict[str, Any]


def all_changes() -> dict[str, ChangeSpec]:
    """Return every change by its name."""
    _import_all()
    return {spec.name: spec for spec in sorted(declared, key=lambda spec: spec.name)}


def about(name: str) -> ChangeSpec:
    """Return the declaration of a change, or one with only its name if there is no such change."""
    return all_changes().get(name) or ChangeSpec(name)


def chosen(wanted: Iterable[Mapping[str, Any]]) -> list[Choice]:
    """Return the changes that `[{"change": ..., "arguments": {...}}]` asks for; raise UsageError for an invalid one."""
    return [_choice(item) for item in wanted]


def argument_problems(name: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the arguments of a remedy; a text for a number is an expression to be computed later."""
    spec = about(name)
    for key, value in arguments.items():
        argument = spec.arguments.get(key)
        if argument is not None and "number" in argument.type and isinstance(value, str):
            continue
        try:
            _value(spec, key, value)
        except UsageError as error:
            yield str(error)


def problems() -> list[str]:
    """Return what is missing in the declarations, one sentence each."""
    _import_all()
    names = [spec.name for spec in declared]
    return [
        f'{_place(spec)}: change "{spec.name}": {problem}'
        for spec in declared
        for problem in _problems(spec, names.count(spec.name))
    ]


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg:
            importlib.import_module(f"{package.__name__}.{module.name}")


def _place(spec: ChangeSpec) -> str:
    code = spec.function.__code__
    return f"changes/{Path(code.co_filename).name}:{code.co_firstlineno}"


def _problems(spec: ChangeSpec, count: int) -> Iterator[str]:
    if not NAME.fullmatch(spec.name):
        yield "the name may hold small letters, digits and hyphens"
    if count > 1:
        yield "it is declared twice"
    yield from (text for key, text in TEXTS.items() if not getattr(spec, key).strip())
    for key in ("does", "rules_out"):
        if (pair := getattr(spec, key)) != NEITHER and not all(pair):
            yield f"{key} needs its words in English and in Chinese"
    if spec.fallbacks and spec.does == NEITHER:
        yield "does is missing; a fallback has no other words"
    try:
        _ = spec.arguments
    except (TypeError, NameError) as error:
        yield str(error)
        return
    for arguments in (*spec.both_ways, *(fallback.arguments for fallback in spec.fallbacks)):
        yield from argument_problems(spec.name, arguments)


def _choice(item: Mapping[str, Any]) -> Choice:
    known = all_changes()
    name = item.get("change")
    if not isinstance(name, str) or name not in known:
        hint = did_you_mean(str(name), known)
        raise UsageError(f"change {name!r}: there is no such change{hint}; `trainadvisor changes` lists them")
    given = item.get("arguments") or {}
    if not isinstance(given, dict):
        raise UsageError(f'change "{name}": "arguments" must be a table of names and values')
    return Choice(known[name], {key: _value(known[name], key, value) for key, value in given.items()})


def _value(spec: ChangeSpec, key: str, value: object) -> object:
    """Return the value as the argument's type; a whole number may be written as 40.0."""
    place = f'change "{spec.name}"'
    if key not in spec.arguments:
        listed = ", ".join(spec.arguments) or "none"
        raise UsageError(f"{place}: there is no argument {key!r}{did_you_mean(key, spec.arguments)}; it takes {listed}")
    argument = spec.arguments[key]
    if value is None and argument.default is None:
        return None
    fitted = _fitted(argument, value)
    if fitted is None:
        raise UsageError(f"{place}: {key} is a {argument.type}, not {value!r}")
    if argument.choices and fitted not in argument.choices:
        hint = did_you_mean(str(fitted), argument.choices)
        raise UsageError(f"{place}: {key} cannot be {fitted!r}{hint}; choose {', '.join(argument.choices)}")
    return fitted


def _fitted(argument: Argument, value: object) -> object | None:
    kind = argument.type
    if isinstance(value, bool) or kind == "truth":
        return value if isinstance(value, bool) and kind == "truth" else None
    if isinstance(value, int | float) and kind in ("number", "whole number"):
        if not math.isfinite(value):
            return None
        return float(value) if kind == "number" else int(value) if value == int(value) else None
    return value if isinstance(value, str) and kind == "word" else None
