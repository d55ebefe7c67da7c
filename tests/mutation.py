"""Mutates logs by their structure: a value here and there becomes another, so that what is read is nearly a log."""

from __future__ import annotations

import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, -(2**63), 1e308, -1e308, 5e-324, 0.5, "", "nan", "inf",
    "-inf", "x", "\x1b[31m", "1", "train", "eval", "tally", "model", "table", "inputs", "nonfinite", "exception", [],
    {}, [[]], [None], [0, 1], ["nan"], {"id": 0}, {"id": -1, "rows": [3]}, [[[]]], "\ud7ff" * 40,
)  # fmt: skip


def mutated(data: bytes, size: int, seed: int) -> bytes | None:
    """Return a log with one to four values changed, None where the bytes are no log."""
    chance = random.Random(seed)  # noqa: S311 - a mutation is no secret
    try:
        records = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(records, list) or not records:
        return None
    for _ in range(chance.randint(1, 4)):
        _change(records, chance)
    made = ("[" + ",\n".join(json.dumps(record) for record in records) + "\n]\n").encode()
    return made if len(made) <= size else None


def changed(data: bytes, chance: random.Random) -> bytes | None:
    """Return JSON, one document or a line each, with one to four values changed; None where the bytes are none."""
    try:
        try:
            values = [json.loads(data)]
        except ValueError:
            values = [json.loads(line) for line in data.splitlines() if line.strip()]
        for _ in range(chance.randint(1, 4) if values else 0):
            _change(values, chance)
        return "\n".join(map(json.dumps, values)).encode() if values else None
    except (ValueError, RecursionError):
        return None


def _change(records: list[Any], chance: random.Random) -> None:
    """Walk down at random and change what is there: replace, remove, repeat or swap."""
    holder: Any = records
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        if not keys:
            return
        key = chance.choice(keys)
        inner = holder[key]
        if not isinstance(inner, (dict, list)) or not inner or chance.random() < 0.1:
            _alter(holder, key, chance)
            return
        holder = inner


def _alter(holder: Any, key: Any, chance: random.Random) -> None:
    action = chance.random()
    if action < 0.7:
        holder[key] = chance.choice(ODD)
    elif action < 0.8:
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(key, holder[chance.randrange(len(holder))])
    else:
        holder[key] = holder[chance.choice(list(holder))]
