"""Checks of single values that a log holds: of which type they are."""

from collections.abc import Callable, Mapping
from typing import Any

from trainadvisor.log.cleaning import number as finite
from trainadvisor.log.cleaning import whole
from trainadvisor.log.records import number

Check = Callable[[Any], bool]


def is_flag(value: Any) -> bool:
    """Return whether a value is true or false."""
    return isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number that fits 53 bits."""
    return whole(value) is not None


def is_count(value: Any) -> bool:
    """Return whether a value is a whole number of at least 0."""
    return is_whole(value) and value >= 0


def is_number(value: Any) -> bool:
    """Return whether a value is a number, or a word for one that is not finite."""
    return not isinstance(value, bool) and number(value) is not None


def is_finite(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return finite(value) is not None


def is_text(value: Any) -> bool:
    """Return whether a value is a text."""
    return isinstance(value, str)


def is_object(value: Any) -> bool:
    """Return whether a value is an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> bool:
    """Return whether a value is a list."""
    return isinstance(value, list)


def list_of(check: Check) -> Check:
    """Return the check of a list of values."""
    return lambda value: isinstance(value, list) and all(map(check, value))


def either(*checks: Check) -> Check:
    """Return the check that holds where any of several does."""
    return lambda value: any(check(value) for check in checks)


def is_positive(value: Any) -> bool:
    """Return whether a value is a whole number above 0."""
    return is_whole(value) and value > 0


def optional(check: Check) -> Check:
    """Return the check that holds also where nothing is given."""
    return lambda value: value is None or check(value)


def object_of(fields: Mapping[str, Check]) -> Check:
    """Return the check of an object whose fields hold; others are not looked at."""
    return lambda value: is_object(value) and all(check(value.get(name)) for name, check in fields.items())
