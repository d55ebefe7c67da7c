"""What was derived from a log already: each value is computed once a log, and forgotten with the log."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from trainadvisor.log.reader import RunLog

Value = TypeVar("Value")


class SelfReference(Exception):  # noqa: N818 - it names what is wrong with the signal
    """A signal asks for itself, directly or through others."""


class Memory:
    """Values by name, and the errors of those that could not be computed."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._running: list[str] = []

    def get(self, name: str, compute: Callable[[], Value]) -> Value:
        """Return a value, computed when it is asked for first; one that asks for itself raises SelfReference."""
        if name in self._values:
            found: Value = self._values[name]
            return found
        if name in self._running:
            raise SelfReference(" -> ".join([*self._running[self._running.index(name) :], name]))
        self._running.append(name)
        try:
            self._values[name] = value = compute()
        finally:
            self._running.pop()
        return value


_memories: WeakKeyDictionary[RunLog, Memory] = WeakKeyDictionary()


def memory_of(log: RunLog) -> Memory:
    """Return what is remembered of a log."""
    return _memories.setdefault(log, Memory())


def remembered(function: Callable[[RunLog], Value]) -> Callable[[RunLog], Value]:
    """Compute a function of a log once; for what several signals share and no rule reads."""
    name = f"({function.__module__}.{function.__qualname__})"

    @wraps(function)
    def once(log: RunLog) -> Value:
        return memory_of(log).get(name, lambda: function(log))

    return once
