"""Values as writers put them down: numbers, and the words for those that are not finite."""

import math
import re
from typing import Any

WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf, "-inf": -math.inf, "-infinity": -math.inf}
# A number as libraries print it.
WRAPPED = re.compile(r"\s*(?:tensor|(?:np\.|numpy\.)?float\d*)\(\s*([^(),]{1,40})")


def number(value: Any) -> float | None:
    """Return a number, also one that is not finite and written as a word; None for anything else."""
    if type(value) is float:  # nearly all of them
        return value
    if isinstance(value, str):
        return WORDS[word] if (word := value.strip().lower()) in WORDS else _unwrapped(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_float(value: Any) -> Any:
    """Return a number that is written as a text."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return number(value)


def _unwrapped(value: str) -> float | None:
    """Return the number in tensor(0.5) and its like."""
    found = WRAPPED.match(value) if "(" in value else None
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None
