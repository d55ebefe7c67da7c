"""Generates logs of any length: a real training's first records, then plausible further steps and samples."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import orjson
import torch
import torch.nn.functional as F
from torch import nn

import trainadvisor

if TYPE_CHECKING:
    from pathlib import Path

Record = dict[str, Any]
_CHUNK = 5000
_ACTIVATIONS = ("act_mean", "act_rms", "act_max", "act_zero", "act_spread", "act_std")


def make(path: Path, *, steps: int, layers: int, every: int) -> int:
    """Write a log with given numbers of steps and layers and a sampling interval; return its size in bytes."""
    head = _start(path.with_suffix(".start.json"), layers)
    last = max(record["step"] for record in head if record["record"] == "step")
    with path.open("wb") as file:
        file.write(b"[\n" + b",\n".join(orjson.dumps(record) for record in head))
        for first in range(last + 1, steps, _CHUNK):
            lines = _lines(head, range(first, min(steps, first + _CHUNK)), steps, every)
            file.write(b",\n" + b",\n".join(lines))
        end = {"record": "end", "reason": "finished", "steps": steps, "seconds": 0.01 * steps}
        file.write(b",\n" + orjson.dumps(end) + b"\n]\n")
    return path.stat().st_size


def _start(path: Path, layers: int) -> list[Record]:
    """Record thirty steps of a real training."""
    torch.manual_seed(0)
    parts = [part for _ in range(layers // 2) for part in (nn.Linear(8, 8), nn.ReLU())]
    model = nn.Sequential(*parts, nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with trainadvisor.watch(model, optimizer, log=path):
        for _ in range(30):
            inputs = torch.randn(16, 8)
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), inputs[:, :3].argmax(1)).backward()
            optimizer.step()
    records: list[Record] = orjson.loads(path.read_bytes())
    path.unlink()
    return [record for record in records if record["record"] != "end"]


def _lines(head: list[Record], steps: range, count: int, every: int) -> list[bytes]:
    draw = random.Random(steps.start)  # noqa: S311 - no secrets
    step = next(record for record in reversed(head) if record["record"] == "step" and "grad_norm" not in record)
    sample = next(record for record in reversed(head) if record["record"] == "layers" and "act_std" in record)
    lines = []
    for number in steps:
        fall = 1.1 * (1 - number / count) + 0.05
        record = {**step, "step": number, "loss": round(fall + draw.gauss(0, 0.03), 5), "epoch": number // 1000}
        record["seconds"] = round(0.01 + 0.001 * draw.random(), 6)
        if number % every == 0:
            record["grad_norm"] = round(0.5 + 0.1 * draw.random(), 5)
            lines.append(orjson.dumps(_sample(sample, number, draw)))
        lines.append(orjson.dumps(record))
        if number % 10000 == 0:
            evaluation = {"record": "eval", "step": number, "epoch": number // 1000, "loss_id": 0, "loss": fall}
            lines.append(
                orjson.dumps({**evaluation, "mode": "eval", "examples": 1000, "metrics": {}, "losses": {"0": fall}})
            )
    return lines


def _sample(sample: Record, number: int, draw: random.Random) -> Record:
    columns = {name: [value and round(value * (0.9 + 0.2 * draw.random()), 6) for value in column]
               for name, column in sample.items() if name in ("grad", "weight", "update", *_ACTIVATIONS)}  # fmt: skip
    return {**sample, **columns, "step": number}
