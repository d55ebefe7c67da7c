"""What a log is made of: record kinds, the format number, and values that JSON can hold."""

import math
from datetime import UTC, datetime
from typing import Any

# Number of the log format; a reader refuses a log with a larger one.
FORMAT = 1

HEADER, STEP, LAYERS, EVAL, EVENT, END = "header", "step", "layers", "eval", "event", "end"
# Kinds of fact (as events) and the header's list that each belongs to.
FACTS = {"model": "models", "optimizer": "optimizers", "loss": "losses", "loader": "loaders", "scheduler": "schedulers"}
# Field of a header that the one with the models will replace.
PROVISIONAL = "provisional"
# Kind of the event that counts the records lost to a slow disk.
LOST = "lost-records"
# Kind of the event that says why a log ends before its training, and the total number of steps.
CUT = "log-cut"

Record = dict[str, Any]

_DIGITS = "%.6g"
_LARGEST = 2**63
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def opening(script: str | None, argv: list[str]) -> Record:
    """Return what is known of a run before it trains: the header of a log until then, or of one that never does."""
    created = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return {
        "record": HEADER, "format": FORMAT, "created": created, "script": script, "argv": argv, "source": "recorder"
    }  # fmt: skip


def storable(value: Any) -> Any:
    """Return the value with floats of six significant digits and non-finite ones as words."""
    if type(value) is dict:
        return _storable_items(value)
    if isinstance(value, float):
        return _storable_float(value)
    if isinstance(value, dict):
        return _storable_items(value)
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    if isinstance(value, int):
        return value if isinstance(value, bool) or -_LARGEST < value < _LARGEST else _storable_float(_float(value))
    return None if value is None else _text(str(value))


def _storable_items(value: dict[Any, Any]) -> dict[str, Any]:
    """Return a dict's values in a form that JSON can hold; written out for speed, because every step passes here."""
    found = {}
    for key, item in value.items():
        kind = type(item)
        if kind is float and item - item == 0.0:  # finite
            item = float(_DIGITS % item)  # noqa: PLW2901 - the name of what is stored
        elif kind is int and -_LARGEST < item < _LARGEST:
            pass
        elif kind is str:
            item = _text(item)  # noqa: PLW2901
        elif kind is list:
            item = [float(_DIGITS % x) if type(x) is float and x - x == 0.0 else storable(x) for x in item]  # noqa: PLW2901
        elif not (item is None or kind is bool):
            item = storable(item)  # noqa: PLW2901
        found[key if type(key) is str and key.isascii() else _text(str(key))] = item
    return found


# Steps' records of so many forms are known.
_MOST_FORMS = 256
# The names of the floats and of the lists in a step's record, by the names and types of all its items.
_forms: dict[tuple[Any, ...], tuple[list[str], list[str]] | None] = {}
_SIMPLE = (int, float, str, bool, type(None), list)


def storable_step(record: Record) -> Record:
    """Return the record of a step in a form that JSON can hold; its ints and texts are taken as they are."""
    kinds = (*record, *map(type, record.values()))
    form = _forms[kinds] if kinds in _forms else _form_of(kinds, record)
    if form is None:
        return _storable_items(record)
    floats, lists = form
    found = record.copy()
    for name in floats:
        value = record[name]
        found[name] = float(_DIGITS % value) if value - value == 0.0 else _storable_float(value)
    for name in lists:
        if len(record[name]) == 1 and type(record[name][0]) is int:
            continue
        found[name] = [
            float(_DIGITS % x) if type(x) is float and x - x == 0.0 else x if type(x) is int else storable(x)
            for x in record[name]
        ]
    return found


def _form_of(kinds: tuple[Any, ...], record: Record) -> tuple[list[str], list[str]] | None:
    simple = all(type(name) is str and type(item) in _SIMPLE for name, item in record.items())
    floats, lists = ([name for name, item in record.items() if type(item) is kind] for kind in (float, list))
    form = (floats, lists) if simple else None
    if len(_forms) < _MOST_FORMS:
        _forms[kinds] = form
    return form


def _text(value: str) -> str:
    """Return a text that UTF-8 can encode: file names may contain bytes that are not characters."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _storable_float(value: float) -> float | str:
    if math.isfinite(value):
        return float(_DIGITS % value)
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def number(value: object) -> float | None:
    """Return a stored number as a float, including the words for non-finite ones, or None for anything else."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return _float(value)
    return _WORDS.get(value) if isinstance(value, str) else None
