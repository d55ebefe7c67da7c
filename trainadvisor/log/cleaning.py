"""Sanitizes what a log says: no control characters, no overlong names, no unexpected types."""

import math
import re
from collections.abc import Callable, Mapping
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
_PLAIN = frozenset({int, float, bool, type(None)})
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


Check = Callable[[Any], bool]
# What a value of a field has to pass, in an object that is the value of the field named second.
CheckOf = Callable[[str, str], Check | None]
_Field = tuple[str, Check | None]
_NOTHING: Mapping[str, _Field] = {}


class Cleaner:
    """Copies JSON values within a size limit: cleans strings, and drops values of a wrong type or nested too deeply."""

    def __init__(self, check_of: CheckOf, room: int = ROOM) -> None:
        self.check_of, self.room = check_of, room
        # Number of fields that held a value of another type.
        self.mistyped = 0
        # A log says the same few names over and over: by holder, each name as it is kept and what its values pass.
        self._known: dict[str, dict[str, _Field]] = {}
        self._kept = 0

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
        return [item if type(item) in _PLAIN else self(item, field, depth + 1) for item in value]

    def _object(self, value: dict[str, Any], holder: str, depth: int) -> dict[str, Any]:
        known, copy, plain = self._known.get(holder, _NOTHING), {}, _PLAIN
        self.room -= sum(map(len, value))
        for field, item in value.items():
            name, check = known.get(field) or self._field(field, holder)
            if item is None or check is None or check(item):
                copy[name] = item if type(item) in plain else self(item, field, depth)
            else:
                self.mistyped += 1
                copy[name] = None
        return copy

    def _field(self, field: str, holder: str) -> _Field:
        if self._kept == MOST_NAMES:
            self._kept = 0
            self._known.clear()
        self._kept += 1
        found = clean_text(field), self.check_of(field, holder)
        self._known.setdefault(holder, {})[field] = found
        return found

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
