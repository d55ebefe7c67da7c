"""What engines make: calls of one function, their answers, and what makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Function = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    """One call: what it is about, and the arguments of the function."""

    key: Any
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """What a call returned, or why it returned nothing."""

    key: Any
    value: Any = None
    lost: str = ""


class Tasks(Protocol):
    """Makes calls side by side."""

    slots: int

    def run(self, function: Function, calls: Iterable[Call]) -> Iterator[Answer]:
        """Yield answers as they arrive."""

    def close(self) -> None:
        """Release what is held."""
