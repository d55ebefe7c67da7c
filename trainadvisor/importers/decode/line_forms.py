"""Lines of one form: what differs between them is their numbers, so that only the first few are taken apart.

A form is a line without its numbers. Where each figure of a line equals exactly one of its numbers, the next line of
that form shows whether the figures stand at the same places; from then on they are read from there.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trainadvisor.importers.table import Row

# Step and epoch, the total of the steps, and the figures of a line.
Reading = tuple[Row, int | None, Row]

_NUMBER = re.compile(r"(?<![\w@/.+-])([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\w)")
# Digits in groups, "12,000", are one number and look like two.
_GROUPED = re.compile(r"0,0")
_MOST_FORMS, _MOST_TRIES = 500, 6
# What stands for a number that is no place among those of a line.
_SAME = -1


@dataclass
class _Form:
    """Where the figures of lines of a form stand among their numbers; None while that is not known."""

    places: "_Places | None" = None
    sure: bool = False
    tries: int = 0


@dataclass(frozen=True)
class _Places:
    """For each name the place of its number, whether it is whole, and the value of one that is always the same."""

    here: tuple[tuple[str, int, bool, Any], ...]
    planned: tuple[int, Any]
    row: tuple[tuple[str, int, bool, Any], ...]

    def read(self, numbers: list[str]) -> Reading:
        """Return the figures of another line of the form."""
        planned = self.planned[1] if self.planned[0] == _SAME else int(numbers[self.planned[0]])
        return _values(self.here, numbers), planned, _values(self.row, numbers)


class LineForms:
    """Takes lines apart by a slow function, or by the form that they share with lines before."""

    def __init__(self, slow: Callable[[str], Reading]) -> None:
        """Take the function that knows every form."""
        self._slow = slow
        self._forms: dict[str, _Form] = {}

    def read(self, line: str) -> Reading:
        """Return what a line tells."""
        parts = _NUMBER.split(line)
        key, numbers = "0".join(parts[::2]), parts[1::2]
        form = self._forms.get(key)
        if form is None:
            form = _Form(tries=_MOST_TRIES if _GROUPED.search(key) else 0)
            if len(self._forms) < _MOST_FORMS:
                self._forms[key] = form
        if form.sure and form.places is not None:
            return form.places.read(numbers)
        told = self._slow(line)
        if form.tries < _MOST_TRIES:
            self._learn(form, key, numbers, told)
        return told

    @staticmethod
    def _learn(form: _Form, key: str, numbers: list[str], told: Reading) -> None:
        form.tries += 1
        if form.places is None:
            form.places = _places(told, key, numbers)
        else:
            form.sure = _alike(form.places.read(numbers), told)
            form.places = form.places if form.sure else None


def _values(places: tuple[tuple[str, int, bool, Any], ...], numbers: list[str]) -> Row:
    return {
        name: value if place == _SAME else int(numbers[place]) if whole else float(numbers[place])
        for name, place, whole, value in places
    }


def _places(told: Reading, key: str, numbers: list[str]) -> _Places | None:
    """Return where the figures of a line stand, None where that cannot be told."""
    here, planned, row = told
    values = [float(number) for number in numbers]
    found = {name: _place(value, key, values) for name, value in (*here.items(), ("", planned), *row.items())}
    if len(found) < len(here) + len(row) + 1 or None in found.values():
        return None
    if any(isinstance(v, int) and p != _SAME and not numbers[p or 0].isdigit() for v, p in _whole(told, found)):
        return None

    def named(figures: Row) -> tuple[tuple[str, int, bool, Any], ...]:
        return tuple((name, found[name] or 0, isinstance(value, int), value) for name, value in figures.items())

    return _Places(named(here), (found[""] or 0, planned), named(row))


def _whole(told: Reading, found: dict[str, int | None]) -> list[tuple[Any, int | None]]:
    here, planned, row = told
    return [(value, found[name]) for name, value in (*here.items(), ("", planned), *row.items())]


def _place(value: Any, key: str, values: list[float]) -> int | None:
    """Return the only place of a value among the numbers of a line; what its form holds is always the same."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return _SAME
    places = [place for place, number in enumerate(values) if number == value]
    if not places and isinstance(value, int) and re.search(rf"(?<!\d){value}(?!\d)", key):
        return _SAME
    return places[0] if len(places) == 1 else None


def _alike(one: Reading, other: Reading) -> bool:
    return repr(one) == repr(other)
