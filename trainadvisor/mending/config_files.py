"""Values in configuration files of a run, JSON, TOML and plain YAML: where each stands, and the text with another."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LARGEST = 1_000_000
ENDINGS = (".json", ".toml", ".yaml", ".yml")
LAST_KEY = re.compile(r"""(?:\[['"]|\.get\(['"]|\.)(?P<key>\w+)(?:['"]\]|['"][,)].*)?$""")
YAML_LINE = re.compile(r"^(?P<indent> *)(?P<key>[\w-]+): *(?P<value>[^#\n]*?) *(?:#.*)?$")
TOML_LINE = re.compile(r"^ *(?P<key>[\w.-]+) *= *(?P<value>[^#\n]*?) *(?:#.*)?$")
TOML_TABLE = re.compile(r"^ *\[(?P<name>[\w.-]+)\] *(?:#.*)?$")
JSON_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True)
class Entry:
    """A value of a file: its keys, and where its text begins and ends."""

    path: Path
    text: str
    keys: tuple[str, ...]
    start: int
    end: int

    @property
    def line(self) -> int:
        """Return the line, from 1."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def words(self) -> str:
        """Return "conf/base.json: optim.lr"."""
        return f"{self.path}: {'.'.join(self.keys)}"

    def changed(self, value: str) -> str:
        """Return the text of the file with another value."""
        return self.text[: self.start] + value + self.text[self.end :]


def key_of(words: str) -> str | None:
    """Return the last key of an expression such as cfg["optim"]["lr"]."""
    found = LAST_KEY.search(words)
    return found["key"] if found else None


def place_in_files(argv: Iterable[str], key: str) -> str | None:
    """Return "conf/base.json: optim.lr" where just one file of a command line has just one such key."""
    found = entry_in_files(argv, (key,))
    return found.words if found else None


def entry_in_files(names: Iterable[str], keys: Sequence[str]) -> Entry | None:
    """Return the only value of some files whose keys end with those that are wanted, the longest match first."""
    parts = [name.rpartition("=")[2] for name in names]
    paths = [path for path in map(Path, parts) if path.suffix in ENDINGS and _is_ours(path)]
    entries = [entry for path in dict.fromkeys(paths) for entry in entries_of(path)]
    for first in range(len(keys)):
        found = [entry for entry in entries if entry.keys[-len(keys) + first :] == tuple(keys[first:])]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _is_ours(path: Path) -> bool:
    """Return whether a file lies below the current folder."""
    return path.is_file() and path.resolve().is_relative_to(Path.cwd().resolve())


def entries_of(path: Path) -> list[Entry]:
    """Return the single values of a file; none where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST else ""
        if path.suffix == ".json":
            json.loads(text)
            found = _json(text)
        elif path.suffix == ".toml":
            tomllib.loads(text)
            found = _toml(text)
        else:
            found = _yaml(text)
        return [Entry(path, text, *item) for item in found]
    except (OSError, ValueError, RecursionError):
        return []


Found = tuple[tuple[str, ...], int, int]


def _json(text: str) -> Iterator[Found]:
    """Yield the single values of a JSON text that is known to be one."""
    around: list[str | None] = []
    key: str | None = None
    parts = list(JSON_PART.finditer(text))
    for part, behind in zip(parts, [*parts[1:], None], strict=True):
        word = part[0]
        if word in "{[":
            around.append(key if word == "{" else None)
            key = None
        elif word in "}]":
            around.pop()
        elif behind is not None and behind[0] == ":":
            key = str(json.loads(word))
        elif word not in ",:":
            if key is not None and None not in around[1:]:
                yield (*(k for k in around if k is not None), key), part.start(), part.end()
            key = None


def _toml(text: str) -> Iterator[Found]:
    """Yield the single values of a TOML text, each on its line."""
    table: tuple[str, ...] | None = ()
    start = 0
    for line in text.split("\n"):
        if line.lstrip().startswith("["):
            named = TOML_TABLE.match(line)
            table = tuple(named["name"].split(".")) if named else None
        elif table is not None and (found := TOML_LINE.match(line)):
            yield (*table, *found["key"].split(".")), start + found.start("value"), start + found.end("value")
        start += len(line) + 1


def _yaml(text: str) -> Iterator[Found]:
    """Yield the single values of plain nested YAML, by indentation."""
    around: list[tuple[int, str]] = []
    start = 0
    for line in text.split("\n"):
        found = YAML_LINE.match(line)
        if found is not None:
            around = [(indent, key) for indent, key in around if indent < len(found["indent"])]
            if found["value"]:
                keys = (*(key for _, key in around), found["key"])
                yield keys, start + found.start("value"), start + found.end("value")
            else:
                around.append((len(found["indent"]), found["key"]))
        start += len(line) + 1
