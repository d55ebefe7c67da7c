"""How a change is written into a script: which argument, which class, which line before which call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

# The arguments of a change.
Arguments = Mapping[str, Any]
# What the log records about an object of the script.
Made = Mapping[str, Any]
DIGITS = 3


@dataclass(frozen=True)
class SetArgument:
    """Sets an argument of the call that made an object."""

    of: Literal["optimizer", "loader", "loss"]
    argument: str
    # Returns the code of the new value, None if there is none.
    value: Callable[[Arguments, Made], str | None]


@dataclass(frozen=True)
class SetLayerArgument:
    """Sets an argument of every layer of some kinds."""

    kinds: frozenset[str]
    argument: str
    # The argument of the change that holds the value.
    key: str


@dataclass(frozen=True)
class SwapLayers:
    """Replaces the class of layers without arguments."""

    kinds: frozenset[str]
    # The class for each value of the change's argument `to`.
    classes: Mapping[str, str]


@dataclass(frozen=True)
class SwapOptimizer:
    """Creates an optimizer of the class named by `to`, for the same parameters."""

    # The arguments of the change that are also arguments of the optimizer.
    kept: tuple[str, ...]


@dataclass(frozen=True)
class InsertLines:
    """Inserts lines before the only call of its kind, or before the line that makes the optimizer."""

    before: Literal["step", "backward", "optimizer"]
    # The object whose variable the lines need.
    names: Literal["model", "optimizer"]
    # Returns the lines for a variable, none if the change has no such form.
    lines: Callable[[Arguments, str], Sequence[str]]


LineEdit = SetArgument | SetLayerArgument | SwapLayers | SwapOptimizer | InsertLines


def short(number: float) -> str:
    """Return a number as one would write it by hand."""
    return f"{number:.{DIGITS}g}"


def literal(value: object) -> str:
    """Return the code of a value."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) >= 1 else short(value)
    return repr(value)


def given(key: str) -> Callable[[Arguments, Made], str | None]:
    """Return the value of an argument of the change unchanged."""

    def value(arguments: Arguments, _: Made) -> str | None:
        return None if arguments.get(key) is None else literal(arguments[key])

    return value
