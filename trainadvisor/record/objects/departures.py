"""Tells when objects of the user's are gone, by one small reference for each, however many want to know.

`weakref.finalize` makes five objects each time, and each look for garbage goes through those of thousands of layers.
"""

import sys
import weakref
from collections.abc import Callable
from typing import Any

Tell = Callable[[int], object]


class _Reference(weakref.ref[Any]):
    __slots__ = ("key", "tells")

    key: int
    tells: tuple[Tell, ...]


class Departures:
    """Calls functions with the id of an object once it is gone, but not at the end of the process."""

    def __init__(self) -> None:
        awaited: dict[int, _Reference] = {}
        is_ending = sys.is_finalizing

        def left(reference: _Reference) -> None:
            awaited.pop(reference.key, None)
            if not is_ending():
                for tell in reference.tells:
                    tell(reference.key)

        self._awaited, self._left = awaited, left
        self._known: dict[tuple[Tell, ...], tuple[Tell, ...]] = {}

    def await_that_of(self, thing: object, tell: Tell) -> None:
        """Have a function called with the id of an object when it is gone."""
        reference = self._awaited.get(id(thing))
        if reference is None:
            reference = self._awaited[id(thing)] = _Reference(thing, self._left)
            reference.key, reference.tells = id(thing), ()
        tells = (*reference.tells, tell)
        reference.tells = self._known.setdefault(tells, tells)
