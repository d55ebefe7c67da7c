"""Documents as plain dataclasses that pydantic checks and writes; it is loaded when one is read or written."""

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from pydantic import TypeAdapter

# Of a field: it is no part of the JSON.
HIDDEN = {"exclude": True}

_ADAPTERS: "dict[type, TypeAdapter[Any]]" = {}


class TypedDocument:
    """The base of dataclasses that are read, checked and written by the types of their fields, as pydantic's models."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "populate_by_name": True}

    @classmethod
    def model_validate(cls, held: Any) -> Self:
        """Return the document of plain objects; raise pydantic's ValidationError where they are none."""
        made: Self = _adapter(cls).validate_python(held)
        return made

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Self:
        """Return the document of its JSON."""
        made: Self = _adapter(cls).validate_json(text)
        return made

    @classmethod
    def model_json_schema(cls, **how: Any) -> dict[str, Any]:
        """Return the schema of its JSON."""
        return _adapter(cls).json_schema(**how)

    def model_dump(self, **how: Any) -> dict[str, Any]:
        """Return it as plain objects."""
        held: dict[str, Any] = _adapter(type(self)).dump_python(self, **{"by_alias": True, **how})
        return held

    def model_dump_json(self, **how: Any) -> str:
        """Return its JSON."""
        return _adapter(type(self)).dump_json(self, **{"by_alias": True, **how}).decode()

    def model_copy(self, *, update: dict[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy, with other values in some of its fields."""
        made = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            setattr(made, name, value)
        return made


def _adapter(kind: type) -> "TypeAdapter[Any]":
    """Return what checks and writes documents of a kind, made once for each."""
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]
