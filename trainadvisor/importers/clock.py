"""How long a run took, by what the rows of its log say of time: moments, or seconds since the start."""

import math
from collections.abc import Iterator
from typing import Any

# Columns that hold a moment, or what has passed: of Ray Tune, W&B, stable-baselines3, TensorBoard's export.
NAMES = (
    "time_total_s", "_runtime", "time/time_elapsed", "time_elapsed", "elapsed", "_timestamp", "timestamp"
)  # fmt: skip
# Smallest number that is a moment (2001) and no duration, and that is one in milliseconds.
MOMENT, MILLISECONDS = 1e9, 1e11


class Clock:
    """The time between the first and the last moment that it is told, or the longest duration."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._first, self._last = math.inf, -math.inf

    @property
    def seconds(self) -> float | None:
        """Return how long the run took, None where that is not known."""
        between = self._last - self._first
        return self._passed or (between if 0 < between < math.inf else None)

    def note(self, value: Any) -> None:
        """Take a moment, or the seconds since the start, whichever a number is by its size."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            return
        if value < MOMENT:
            self._passed = max(self._passed, float(value))
            return
        moment = float(value) / (1000 if value > MILLISECONDS else 1)
        self._first, self._last = min(self._first, moment), max(self._last, moment)

    def watching(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield rows as they are, and take what they say."""
        for row in rows:
            for name in NAMES:
                if name in row:
                    self.note(row[name])
            yield row
