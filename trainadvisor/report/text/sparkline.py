"""A curve in one line of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
WIDE_RANGE = 20  # beyond it a linear scale would flatten the whole sound part


def sparkline(values: Sequence[float], width: int = 30) -> str:
    """Return bars from the lowest to the highest value, on a logarithmic scale when they differ widely."""
    known = [float(value) for value in values if math.isfinite(value)]
    if len(known) < 2:  # noqa: PLR2004 - one point is no curve
        return ""
    low, high = min(known), max(known)
    if low > 0 and high / low > WIDE_RANGE:
        known, low, high = [math.log(value) for value in known], math.log(low), math.log(high)
    step = max(1.0, len(known) / width)
    shown = [known[int(number * step)] for number in range(min(width, len(known)))]
    return "".join(BARS[_height(value, low, high)] for value in shown)


def _height(value: float, low: float, high: float) -> int:
    span = high / 2 - low / 2  # halves: the difference itself may be too large for a float
    return round((len(BARS) - 1) * ((value / 2 - low / 2) / span)) if span > 0 else 0
