"""Which rows of a very deep model are measured: all of them where that is cheap, else a block of them in turn."""

from collections.abc import Callable

from trainadvisor import clocks

# Rows (layers, or parameters) of a block; a model with no more is always measured whole.
BLOCK = 128
# First row, the row after the last, and how many there are.
Rows = tuple[int, int, int]


def is_part(rows: Rows) -> bool:
    """Return whether rows were left out."""
    return rows[:2] != (0, rows[2])


class Rotation:
    """Chooses the rows by what a row has cost; the first sample ends where it has used up the time allowed."""

    clock: Callable[[], float] = staticmethod(clocks.thread_time)

    def __init__(self, allowed: Callable[[], float]) -> None:
        """Take what tells the seconds that one sample may take."""
        self._allowed = allowed
        self._costs: dict[int, float] = {}
        self._next: dict[int, int] = {}

    def begin(self, model: int, count: int) -> Rows:
        """Return the rows of a model to measure now."""
        start = self._next.get(model, 0)
        if count <= BLOCK or model not in self._costs or self._costs[model] * count <= self._allowed():
            return 0, count, count
        return (start, min(start + BLOCK, count), count) if start < count else (0, BLOCK, count)

    def enough(self, model: int, measured: int, seconds: float) -> bool:
        """Return whether the first sample of a model ends here: a block is measured, and its time is used up."""
        return measured >= BLOCK and model not in self._costs and seconds > self._allowed()

    def end(self, model: int, rows: Rows, seconds: float) -> None:
        """Take what the rows have cost; the next block follows them."""
        start, stop, count = rows
        if count > BLOCK:
            self._costs[model] = seconds / max(1, stop - start)
            self._next[model] = 0 if stop >= count else stop - stop % BLOCK

    def forget(self, model: int) -> None:
        """Forget a model that is gone."""
        self._costs.pop(model, None)
        self._next.pop(model, None)
