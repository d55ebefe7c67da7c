"""Keeps what is made of many TOML files as one JSON file beside the bytecode, which is read faster."""

import contextlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import orjson


def place(module: str, name: str) -> Path:
    """Return the path of a compiled file, where Python keeps the bytecode of a module."""
    return Path(importlib.util.cache_from_source(module)).with_name(name)


def kept(path: Path, digest: str) -> dict[str, Any] | None:
    """Return the tables of a compiled file, None where it is not there or was made of something else."""
    with contextlib.suppress(OSError, ValueError):
        found = orjson.loads(path.read_bytes())
        if isinstance(found, dict) and found.get("digest") == digest:
            tables: dict[str, Any] = found["tables"]
            return tables
    return None


def keep(path: Path, digest: str, tables: dict[str, Any]) -> None:
    """Write the file; it is whole or not there, as several processes may write it."""
    with contextlib.suppress(OSError, TypeError):
        text = orjson.dumps({"digest": digest, "tables": tables})
        if orjson.loads(text)["tables"] != tables:  # what JSON cannot hold stays TOML
            return
        path.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(name).replace(path)


def may_keep() -> bool:
    """Return whether files may be written where Python writes bytecode."""
    return not sys.dont_write_bytecode
