"""Signals: small documented functions, each deriving one named quantity from a log."""

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any

import numpy as np

from trainadvisor import silence
from trainadvisor.log.reader import RunLog
from trainadvisor.signals.memory import memory_of

Value = float | int | bool | str | dict[str, float] | list[str]

TYPES = {"float": "number", "int": "number", "bool": "truth", "str": "word", "dict": "layers", "list": "names"}


@dataclass(frozen=True)
class SignalSpec:
    """What is known about a signal without computing it."""

    name: str
    type: str
    unit: str
    doc: str
    needs: str
    needs_zh: str
    module: str
    function: Callable[[RunLog], Any]
    # The absence in which the quantity means nothing, such as "no-ctc"; empty where no training lacks it.
    about: str = ""


_registry: dict[str, SignalSpec] = {}


def signal(
    *, unit: str, needs: str, zh: str, about: str = ""
) -> Callable[[Callable[[RunLog], Any]], Callable[[RunLog], Any]]:
    """Register a function of a log as a signal; its value is finite or absent, and computed once per log.

    `about` names the absence (`absences.py`) in which a condition on it says nothing.
    """

    def register(function: Callable[[RunLog], Any]) -> Callable[[RunLog], Any]:
        spec = _spec(function, unit, (needs, zh), about)
        known = _registry.get(spec.name)
        if known and known.module != spec.module:
            message = f"signal {spec.name} is defined in {known.module} and in {spec.module}; rename one of them"
            raise ValueError(message)

        @wraps(function)
        def remembered(log: RunLog) -> Any:
            return memory_of(log).get(spec.name, _computed, spec, log)

        _registry[spec.name] = spec
        return remembered

    return register


def _spec(function: Callable[[RunLog], Any], unit: str, needs: tuple[str, str], about: str) -> SignalSpec:
    name = function.__name__
    kind = _type_of(name, function.__annotations__.get("return", ""))
    doc = (function.__doc__ or "").strip()
    return SignalSpec(name, kind, unit, doc, *needs, function.__module__, function, about)


def _type_of(name: str, annotation: Any) -> str:
    """Return the kind of a signal from its return annotation, given as a type or as text."""
    text = annotation.__name__ if type(annotation) is type else str(annotation)
    words = {part.strip().partition("[")[0] for part in text.split("|")} - {"None"}
    types = {TYPES.get(word, word) for word in words}
    if len(types) != 1 or not types <= set(TYPES.values()):
        message = (
            f"signal {name}: the return annotation {text!r} must be one of {', '.join(TYPES)}, with or without None"
        )
        raise ValueError(message)
    return types.pop()


@contextmanager
def quietly(log: RunLog) -> Iterator[None]:
    """Compute signals of a log without what numpy says of that; around many of them this costs once."""
    memory = memory_of(log)
    memory.quiet = True
    try:
        with silence.computing(), np.errstate(all="ignore"):
            yield
    finally:
        memory.quiet = False


def _computed(spec: SignalSpec, log: RunLog) -> Value | None:
    try:
        with nullcontext() if memory_of(log).quiet else quietly(log):
            return _finite(spec.function(log), spec.type)
    except Exception as error:  # noqa: BLE001 - a failing signal must not affect the others
        memory_of(log).errors[spec.name] = f"{type(error).__name__}: {error}"
        return None


def _finite(value: Any, kind: str) -> Value | None:
    """Return a plain Python value that is finite, or None."""
    if value is None:
        return None
    if kind == "layers":
        return {str(name): float(v) for name, v in value.items() if v is not None and np.isfinite(v)} or None
    if kind == "names":
        return [str(name) for name in value] or None
    if kind == "word":
        return str(value)
    if kind == "truth":
        return bool(value)
    number = value.item() if isinstance(value, np.generic) else value
    return number if _is_finite(number) else None


def _is_finite(number: Any) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer beyond all floats, as only a damaged log holds
        return False


class Signals:
    """The signals of one log, each computed on first use."""

    def __init__(self, log: RunLog) -> None:
        self.log = log
        self._known, self._memory = all_signals(), memory_of(log)

    def __getitem__(self, name: str) -> Value | None:
        """Return the value of a signal, or None if the log does not determine it."""
        if name not in self._known:
            raise KeyError(name)
        return self._memory.get(name, _computed, self._known[name], self.log)

    def get(self, name: str) -> Value | None:
        """Return the value of a signal, or None when it is absent or unknown."""
        found = self._memory.values
        return found[name] if name in found else self[name] if name in self._known else None

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    @property
    def notes(self) -> list[str]:
        """Return one sentence for each signal that failed on this log."""
        return [f"signal {name} failed: {error}" for name, error in sorted(memory_of(self.log).errors.items())]


def of(log: RunLog) -> Signals:
    """Return the signals of a log."""
    return Signals(log)


@cache
def _import_all() -> None:
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")


def all_signals() -> dict[str, SignalSpec]:
    """Return every registered signal by name, those of all modules in this package included."""
    _import_all()
    return _registry
