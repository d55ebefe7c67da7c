"""Keeps the shipped rules as one JSON file beside the bytecode: parsing them as TOML takes longer than judging."""

import contextlib
import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from trainadvisor.errors import RuleError
from trainadvisor.judge.compiled_file import keep, kept, may_keep, place
from trainadvisor.judge.rulebook import FAMILIES, Rule, read, rule_files, rule_of
from trainadvisor.regular import content
from trainadvisor.toml import LARGEST

# Changes whenever the layout of the file below does.
_FORM = b"1"

Tables = dict[str, dict[str, Any]]


def shipped(folder: Path) -> tuple[dict[str, Rule], dict[str, Any]]:
    """Return the rules of the shipped folder by code, and the table of its families; RuleError where one is none."""
    return _made(folder, _digest_of(folder, _state(folder)))


def _state(folder: Path) -> frozenset[tuple[str, int, int, int]]:
    """Return what changes with the content of any file, without reading it."""
    found, waiting = [], [os.fspath(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as inside:
            for entry in inside:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    facts = entry.stat()
                    found.append((entry.path, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
    return frozenset(found)


@lru_cache(maxsize=2)
def _digest_of(folder: Path, _: frozenset[tuple[str, int, int, int]]) -> str:
    return _digest([*rule_files(folder), folder / FAMILIES])


@lru_cache(maxsize=2)
def _made(folder: Path, digest: str) -> tuple[dict[str, Rule], dict[str, Any]]:
    tables = kept(_place(), digest)
    if tables is None:
        tables = _parsed(folder)
        if may_keep():
            keep(_place(), digest, tables)
    families = tables.pop(FAMILIES)
    return {rule.code: rule for rule in (rule_of(folder / name, table) for name, table in tables.items())}, families


def compile_rules(folder: Path) -> None:
    """Write the file, also where Python writes no bytecode."""
    digest = _digest([*rule_files(folder), folder / FAMILIES])
    if kept(_place(), digest) is None:
        keep(_place(), digest, _parsed(folder))


def _parsed(folder: Path) -> Tables:
    return {path.relative_to(folder).as_posix(): read(path) for path in (*rule_files(folder), folder / FAMILIES)}


def _digest(paths: list[Path]) -> str:
    """Return what changes with the name or the content of any file."""
    total = hashlib.sha256(_FORM)
    for path in paths:
        try:
            text = content(path, LARGEST)
        except (OSError, ValueError) as reason:
            raise RuleError(f"{path}: cannot be read ({reason}); install trainadvisor again") from None
        total.update(f"{path}\0{len(text)}\0".encode())
        total.update(text)
    return total.hexdigest()


def _place() -> Path:
    return place(__file__, "rules.json")
