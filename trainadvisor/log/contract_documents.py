"""The documents made from the contract: `python -m trainadvisor.log.contract_documents` writes both.

`trainadvisor/log/log.schema.json` is the JSON schema of a log, `docs/log-format.md` the page that people read.
"""

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from trainadvisor.log.contract import RECORDS, Number, fields
from trainadvisor.log.records import FORMAT

WORDS: dict[Any, dict[str, Any]] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}
INTRODUCTION = """\
`log.json` (format {format}) is a JSON array with one record a line, the header first. It is valid JSON when the run
ends, and readable to the last whole line when the process was killed; `.gz` and `.zst` are read as well. Numbers that
are not finite are the words "nan", "inf" and "-inf". Unknown records are skipped; number fields of a step and lists of
a layers record that are not named here are kept under their names. The JSON schema is `log.schema.json` in the package.
"""
SCHEMA, PAGE = Path("trainadvisor/log/log.schema.json"), Path("docs/log-format.md")


def schema() -> dict[str, Any]:
    """Return the JSON schema of a whole log."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"trainadvisor log, format {FORMAT}",
        "type": "array",
        "prefixItems": [{"$ref": "#/$defs/header"}],
        "items": {"anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in RECORDS if kind != "header"]},
        "$defs": {kind: _record(record) for kind, record in RECORDS.items()},
    }


def _record(record: type) -> dict[str, Any]:
    known = fields(record)
    return {
        "type": "object",
        "description": (record.__doc__ or "").splitlines()[0],
        "properties": {
            name: {**_type(kind), **({"description": meaning} if meaning else {})}
            for name, (kind, meaning, _) in known.items()
        },
        "required": [name for name, (_, _, required) in known.items() if required],
    }


def _type(kind: Any) -> dict[str, Any]:
    if kind in WORDS:
        return WORDS[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _type(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(inner[1])}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_type(part) for part in inner]}
    message = f"{kind} has no place in the schema of a log"
    raise TypeError(message)


def page() -> str:
    """Return the documentation of the format, in Markdown."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    yield "# The log format"
    yield ""
    yield f"<!-- made by python -m {__package__}.contract_documents from trainadvisor/log/contract.py -->"
    yield ""
    yield INTRODUCTION.format(format=FORMAT).rstrip()
    for kind, record in RECORDS.items():
        yield from ["", f"## {kind}", "", *(line.strip() for line in (record.__doc__ or "").splitlines())]
        yield from ["", "| field | type | meaning |", "|---|---|---|"]
        for name, (form, meaning, required) in fields(record).items():
            star = "" if required else " (may be absent)"
            yield f"| `{name}` | {_word(form)} | {meaning}{star} |"


def _word(kind: Any) -> str:
    if kind == Number:
        return "number"
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return ", ".join(f"`{word}`" for word in inner)
    if origin is list:
        return f"list of {_word(inner[0])}"
    if origin is dict or kind is Any:
        return "object"
    if origin in (Union, types.UnionType):
        parts = [part for part in inner if part is not type(None)]
        word = "number" if float in parts else " or ".join(map(_word, parts))
        return f"{word} or null" if type(None) in inner else word
    return {int: "whole number", float: "number", str: "text", bool: "truth value"}[kind]


def main() -> None:
    """Write both documents below the current working directory."""
    SCHEMA.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
