"""Memoization per log: each value is computed once and dropped together with its log."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from trainadvisor.log.reader import RunLog

Value = TypeVar("Value")


class SelfReference(Exception):  # noqa: N818 - the name says what is wrong with the signal
    """A signal depends on itself, directly or through others."""


class Memory:
    """Computed values by name, and the errors of those that failed."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}
        # Whether what numpy says of computations is kept quiet already.
        self.quiet = False
        self.values: dict[str, Any] = {}
        self._running: list[str] = []

    def get(self, name: str, compute: Callable[..., Value], *arguments: object) -> Value:
        """Return a value, computed on first use; raise SelfReference for one that depends on itself."""
        if name in self.values:
            found: Value = self.values[name]
            return found
        if name in self._running:
            raise SelfReference(" -> ".join([*self._running[self._running.index(name) :], name]))
        self._running.append(name)
        try:
            self.values[name] = value = compute(*arguments)
        finally:
            self._running.pop()
        return value


_memories: WeakKeyDictionary[RunLog, Memory] = WeakKeyDictionary()


def memory_of(log: RunLog) -> Memory:
    """Return the memory of a log."""
    memory = _memories.get(log)
    return memory if memory is not None else _memories.setdefault(log, Memory())


def remembered(function: Callable[[RunLog], Value]) -> Callable[[RunLog], Value]:
    """Memoize a function of a log that several signals share and no rule reads."""
    name = f"({function.__module__}.{function.__qualname__})"

    @wraps(function)
    def once(log: RunLog) -> Value:
        return memory_of(log).get(name, function, log)

    return once
