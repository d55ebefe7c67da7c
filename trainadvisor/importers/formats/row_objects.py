"""JSON lines: LLaMA-Factory, mmcv, mmengine, detectron2, fairseq, torchtitan, own loggers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainadvisor.importers.decode.tracked import flattened
from trainadvisor.importers.opening import lines, text
from trainadvisor.importers.table import Row, Table

NAME = "JSON lines"
RANK = 1
LOOKED_AT = 20
MOST_ODD = 0.5
# What mmcv repeats in the rows of evaluations.
OF_TRAINING = {"lr", "momentum", "time", "data_time", "memory"}


def matches(head: bytes, path: Path) -> bool:
    """Return whether most of the first lines are JSON objects, each of its own."""
    del path
    first = [line for line in text(head).splitlines() if line.strip()][:LOOKED_AT]
    objects = sum(_parsed(line) is not None for line in first)
    return objects > MOST_ODD * len(first) and objects > 1


def read(path: Path) -> Table:
    """Return a row a line."""
    table = Table(NAME, ())
    table.rows = _rows(path, table)
    return table


def _rows(path: Path, table: Table) -> Iterator[Row]:
    odd = 0
    torn = False
    for line in lines(path):
        if not line.strip():
            continue
        found = _parsed(line)
        torn = found is None
        odd += torn
        if found:
            yield from _understood(found, table)
    odd -= torn
    said = {"the last line is torn and was left out": torn, f"{odd} lines are no JSON and were left out": odd}
    table.notes += [note for note, true in said.items() if true]


def _understood(found: dict[str, Any], table: Table) -> Iterator[Row]:
    row = {name: _number(value) for name, value in flattened(found)}
    for name in ("total_steps", "max_steps"):
        if table.planned_steps is None and isinstance(row.get(name), int):
            table.planned_steps = row[name]
    if row.pop("mode", None) == "val":
        kept = {name: value for name, value in row.items() if name not in OF_TRAINING}
        row = {name if name in ("epoch", "iter", "step") else f"val_{name}": value for name, value in kept.items()}
    yield row


def _parsed(line: str) -> dict[str, Any] | None:
    """Return the object of a line, None where it is none."""
    line = line.strip().rstrip(",")
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _number(value: Any) -> Any:
    """Return a number that was written as a text."""
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value
