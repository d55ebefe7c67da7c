"""Finds the key of a configuration file, named on the command line of a run, that a value was read from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST = 1_000_000
ENDINGS = (".json", ".toml", ".yaml", ".yml")
LAST_KEY = re.compile(r"""(?:\[['"]|\.get\(['"]|\.)(?P<key>\w+)(?:['"]\]|['"][,)].*)?$""")
YAML_LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w-]+): *(?P<value>[^#\n]*)")


def key_of(words: str) -> str | None:
    """Return the last key of an expression such as cfg["optim"]["lr"]."""
    found = LAST_KEY.search(words)
    return found["key"] if found else None


def place_in_files(argv: Iterable[str], key: str) -> str | None:
    """Return "conf/base.json: optim.lr" where just one file of a command line has just one such key."""
    names = [part.rpartition("=")[2] for part in argv]
    paths = [Path(name) for name in names if name.endswith(ENDINGS) and Path(name).is_file()]
    found = [f"{path}: {'.'.join(keys)}" for path in dict.fromkeys(paths) for keys in _keys(path) if keys[-1] == key]
    return found[0] if len(found) == 1 else None


def _keys(path: Path) -> Iterator[tuple[str, ...]]:
    """Yield the keys of the values of a file, each with those around it; none where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST else ""
        if path.suffix == ".json":
            yield from _nested(json.loads(text))
        elif path.suffix == ".toml":
            yield from _nested(tomllib.loads(text))
        else:
            yield from _yaml(text)
    except (OSError, ValueError, RecursionError):
        return


def _nested(held: Any, around: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in held.items() if isinstance(held, dict) else ():
        if isinstance(value, dict):
            yield from _nested(value, (*around, str(key)))
        else:
            yield (*around, str(key))


def _yaml(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the keys of plain nested YAML, by indentation."""
    around: list[tuple[int, str]] = []
    for line in text.split("\n"):
        found = YAML_LINE.match(line)
        if found is None:
            continue
        around = [(indent, key) for indent, key in around if indent < len(found["indent"])]
        if found["value"].strip():
            yield (*(key for _, key in around), found["key"])
        else:
            around.append((len(found["indent"]), found["key"]))
