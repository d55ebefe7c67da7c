"""Sanitizes what a log says: no control characters, no overlong names, no unexpected types."""

import math
import re
from collections.abc import Callable
from typing import Any

from trainadvisor.characters import CONTROLS, HIDDEN, TURNING

LONGEST_NAME = 200
LONGEST_TEXT = 4000
TEXT_FIELDS = frozenset({"code", "message", "explain", "text", "error"})
DEEPEST = 12
# Approximate limit, in bytes, on the objects, events and evaluations that one log may put into memory.
ROOM = 256 << 20
PER_OBJECT, PER_ITEM = 80, 40
MOST_NAMES = 1000

_UNSAFE = re.compile(f"[{CONTROLS}{TURNING}\n\ud800-\udfff]")
_HIDDEN = re.compile(f"[{HIDDEN}]")
_NUMBERS = frozenset({int, float, bool})
_BLANK = re.compile(r"[\t\r\n]+")


def clean_text(text: str, longest: int = LONGEST_NAME) -> str:
    """Return printable text: control characters replaced, invisible characters and an overlong middle left out."""
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    if not text.isascii():
        text = _HIDDEN.sub("", text)
    if len(text) > longest:
        head = longest * 2 // 3
        text = text[:head] + "..." + text[head + 3 - longest :]
    return _UNSAFE.sub("\ufffd", _BLANK.sub(" ", text)) if _UNSAFE.search(text) else text


# Whether a value has the type of a field, in an object that is the value of the field named third.
Fits = Callable[[str, Any, str], bool]


class Cleaner:
    """Copies JSON values within a size limit: cleans strings, and drops values of a wrong type or nested too deeply."""

    def __init__(self, fits: Fits, room: int = ROOM) -> None:
        self.fits, self.room = fits, room
        # Number of fields that held a value of another type.
        self.mistyped = 0
        # A log says the same few names over and over.
        self._names: dict[str, str] = {}

    def __call__(self, value: Any, field: str = "", depth: int = 0) -> Any:
        """Return the copy; nested values become None when the size limit is used up."""
        if isinstance(value, str):
            return self._text(value, LONGEST_TEXT if field in TEXT_FIELDS else LONGEST_NAME)
        if not isinstance(value, (dict, list)):
            return value
        self.room -= PER_OBJECT + PER_ITEM * len(value)
        if depth >= DEEPEST or self.room < 0:
            return None
        if isinstance(value, dict):
            return self._object(value, field, depth + 1)
        return [item if type(item) in _NUMBERS else self(item, field, depth + 1) for item in value]

    def _object(self, value: dict[str, Any], holder: str, depth: int) -> dict[str, Any]:
        names, fits, copy = self._names, self.fits, {}
        for field, item in value.items():
            name = names.get(field)
            if name is None:
                name = clean_text(field)
                if len(names) < MOST_NAMES:
                    names[field] = name
            self.room -= len(name)
            if not fits(field, item, holder):
                self.mistyped += 1
                item = None  # noqa: PLW2901
            copy[name] = item if type(item) in _NUMBERS else self(item, field, depth)
        return copy

    def _text(self, text: str, longest: int = LONGEST_NAME) -> str:
        cleaned = clean_text(text, longest)
        self.room -= len(cleaned)
        return cleaned


def number(value: Any) -> float | None:
    """Return a recorded number if it is one and finite; logs write non-finite numbers as words."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None


def whole(value: Any) -> int | None:
    """Return a recorded count or id if it is a whole number that fits 53 bits."""
    return value if type(value) is int and abs(value) < 1 << 53 else None


def dicts(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list, or an empty list for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: Any) -> list[str]:
    """Return the strings of a list, or an empty list for anything else."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
