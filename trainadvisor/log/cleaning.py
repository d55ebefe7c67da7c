"""Makes what a log says safe to use: no control characters, no endless names, no surprising types."""

import math
import re
from typing import Any

LONGEST_NAME = 200
LONGEST_TEXT = 4000
TEXT_FIELDS = frozenset({"code", "message", "explain", "text", "error"})
DEEPEST = 12

# C0 and C1 controls, line separators, marks that change the writing direction, and lone surrogates
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_BLANK = re.compile(r"[\t\r\n]+")


def clean_text(text: str, longest: int = LONGEST_NAME) -> str:
    """Return text that can be printed: control characters replaced, the middle of an overlong name left out."""
    if len(text) > longest:
        head = longest * 2 // 3
        text = text[:head] + "..." + text[head + 3 - longest :]
    return _UNSAFE.sub("\ufffd", _BLANK.sub(" ", text)) if _UNSAFE.search(text) else text


def clean(value: Any, field: str = "", depth: int = 0) -> Any:
    """Return a copy of a JSON value with every string in it cleaned and everything nested too deep left out."""
    if isinstance(value, str):
        return clean_text(value, LONGEST_TEXT if field in TEXT_FIELDS else LONGEST_NAME)
    if isinstance(value, (dict, list)) and depth >= DEEPEST:
        return None
    if isinstance(value, dict):
        return {clean_text(key): clean(item, key, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [clean(item, field, depth + 1) for item in value]
    return value


def number(value: Any) -> float | None:
    """Return a recorded number if it is one and finite; logs write non-finite numbers as words."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def whole(value: Any) -> int | None:
    """Return a recorded count or id if it is a whole number that fits 53 bits."""
    return value if type(value) is int and abs(value) < 1 << 53 else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: Any) -> list[str]:
    """Return the strings of a list, nothing for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
