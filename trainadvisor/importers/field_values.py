"""Values as writers put them down: numbers, and the words for those that are not finite."""

import math
from typing import Any

WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "-inf": -math.inf, "-infinity": -math.inf}


def number(value: Any) -> float | None:
    """Return a number, also one that is not finite and written as a word; None for anything else."""
    if type(value) is float:  # nearly all of them
        return value
    if isinstance(value, str):
        return WORDS.get(value.strip().lower())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
