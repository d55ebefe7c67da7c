"""Asks an object of the script for an attribute without running what its class does when it is asked."""

from itertools import islice
from typing import Any


def attribute(thing: object, name: str, *, otherwise: Any = None) -> Any:
    """Return an attribute that an object has, past a `__getattr__` or `__getattribute__` of the script's."""
    try:
        return object.__getattribute__(thing, name)
    except AttributeError:
        return otherwise


def fields(thing: object) -> tuple[str, ...]:
    """Return the names of the fields of a dataclass's object, none for anything else."""
    tables = (vars(kind).get("__dataclass_fields__") for kind in type(thing).__mro__)
    return next((tuple(table) for table in tables if table is not None), ())


def entries(thing: tuple[Any, ...] | list[Any], most: int) -> list[Any]:
    """Return the first entries of a tuple or list, also of a class that has its own way to give them."""
    given = tuple.__iter__(thing) if isinstance(thing, tuple) else list.__iter__(thing)
    return list(islice(given, most))
