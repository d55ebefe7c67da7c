"""A column of numbers as it grows: stretches of equal numbers take no room, nor does what was not recorded."""

import numpy as np

from trainadvisor.log.fields import Floats

# First place, the place after the last, and the numbers, or the one number that all of them are.
_Part = tuple[int, int, Floats | float]


def one_number(values: Floats) -> Floats | float:
    """Return the number that all of an array are, else the array itself."""
    if not values.size or not _same(values[0], values[-1]):
        return values
    if values.strides[0] and not np.array_equal(values, np.broadcast_to(values[0], values.shape), equal_nan=True):
        return values
    return float(values[0])


def _same(one: float, other: float) -> bool:
    return one == other or (one != one and other != other)  # noqa: PLR0124 - nan


class Column:
    """Numbers by place; between the parts that were put in lies the default."""

    def __init__(self, default: float) -> None:
        self._default = default
        self._parts: list[_Part] = []

    def put(self, start: int, values: Floats | float, count: int) -> None:
        """Put so many values, an array or a number that all of them are, behind those before."""
        if not isinstance(values, float):
            values = one_number(values)
        if self._parts and isinstance(values, float):
            first, stop, before = self._parts[-1]
            if stop == start and isinstance(before, float) and _same(before, values):
                self._parts[-1] = (first, start + count, before)
                return
        self._parts.append((start, start + count, values))

    def halve(self, size: int) -> None:
        """Drop every second of the first `size` values."""
        kept = self.whole(size)[::2]
        self._parts = [(0, kept.size, one_number(kept.copy()))]

    def whole(self, size: int) -> Floats:
        """Return the first `size` values, read-only; a view of a single number where all of them are equal."""
        parts = self._parts
        if len(parts) != 1 or parts[0][:2] != (0, size):
            parts[:] = [(0, size, self._joined(size))]
        values = parts[0][2]
        if isinstance(values, float):
            return np.broadcast_to(np.float64(values), (size,))
        values.flags.writeable = False  # signals share it
        return values

    def _joined(self, size: int) -> Floats | float:
        if all(isinstance(values, float) and _same(values, self._default) for _, _, values in self._parts):
            return self._default
        joined = np.full(size, self._default)
        for start, stop, values in self._parts:
            joined[start:stop] = values
        return joined
