"""The fields of a batch of records, extracted from all records at once when their keys agree, as they usually do."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.plain_steps import PlainSteps

Record = dict[str, Any]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_NUMBERS = (int, float, bool)
ToFloats = Callable[[Sequence[Any]], Floats]


class Fields:
    """A batch of records by field: records with the same keys are handled together, others one by one."""

    def __init__(self, records: list[Record], plain: PlainSteps | None = None) -> None:
        self._columns: dict[str, Sequence[Any]] = {}
        if plain:
            self._columns, self._others, self._other_places = plain.columns, records, plain.places
            self.count, self._alike = plain.count + len(records), plain.count
            self._places = np.delete(np.arange(self.count), self._other_places)
        else:
            self._sort(records)

    def _sort(self, records: list[Record]) -> None:
        """Take together the records of equal length."""
        self.count = len(records)
        lengths = list(map(len, records))
        usual = max(set(lengths), key=lengths.count, default=0)
        alike, self._others = records, list[Record]()
        if lengths.count(usual) < self.count:
            mask = np.array(lengths) == usual
            self._places, self._other_places = np.flatnonzero(mask), np.flatnonzero(~mask)
            alike, self._others = _chosen(records, self._places), _chosen(records, self._other_places)
        if not alike or not self._take_alike(alike):
            alike, self._others = [], records
        self._alike = len(alike)

    def _take_alike(self, alike: list[Record]) -> bool:
        """Extract the fields of records of equal length; return whether they have the same keys."""
        keys = list(alike[0])
        if len(keys) < 2:  # noqa: PLR2004 - one key alone would not be taken as a tuple
            return False
        try:
            rows = list(map(itemgetter(*keys), alike))
        except KeyError:
            return False
        self._columns = dict(zip(keys, zip(*rows, strict=True), strict=True))
        return True

    def names(self) -> set[str]:
        """Return the names of all fields."""
        return set(self._columns).union(*self._others)

    def column(self, name: str, to_floats: ToFloats, default: Any = None) -> Floats | float | None:
        """Return a field as numbers, or the number that all are, or None when no record has it.

        Missing values become the default.
        """
        alike = self._columns.get(name)
        others = [record.get(name, default) for record in self._others]
        if alike is None and default is None and others.count(None) == len(others):
            return None
        if not self._others:
            return _floats(alike or [default] * self.count, to_floats)
        if not self._alike:
            return _floats(others, to_floats)
        usual = _floats(alike or [default] * self._alike, to_floats)
        unusual = _floats(others, to_floats)
        if isinstance(usual, float) and isinstance(unusual, float) and usual == unusual:
            return usual
        found = np.empty(self.count)
        found[self._places], found[self._other_places] = usual, unusual
        return found

    def values(self, name: str) -> list[Any]:
        """Return a field as it is recorded, None where it is missing."""
        alike = list(self._columns.get(name) or [None] * self._alike)
        if not self._others:
            return alike
        others = [record.get(name) for record in self._others]
        if not self._alike:
            return others
        if all_alike([*alike, *others]):
            return [alike[0]] * self.count
        for place, value in zip(self._other_places.tolist(), others, strict=True):
            alike.insert(place, value)
        return alike


def _chosen(records: list[Record], places: Ints) -> list[Record]:
    """Return some records, in their order."""
    return [records[place] for place in places.tolist()]


def all_alike(values: list[Any]) -> bool:
    """Return whether all values are equal; those nested too deeply to compare count as different."""
    try:
        return values.count(values[0]) == len(values)
    except RecursionError:
        return False


def _floats(values: Sequence[Any], to_floats: ToFloats) -> Floats | float:
    """Return numbers as an array, or the number that all of them are."""
    first = values[0]
    if type(first) in _NUMBERS and first == values[-1] and values.count(first) == len(values) and abs(first) < 1 << 53:
        return float(first)
    return to_floats(values)
