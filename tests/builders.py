"""Logs for tests, written as plain JSON so that they depend on nothing but the format."""
# ruff: noqa: A002 - the field of the format is called id

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

HEADER = {
    "record": "header",
    "format": 1,
    "tool": "0.1.0",
    "created": "2026-01-01T00:00:00",
    "script": "train.py",
    "argv": [],
    "seed": 0,
    "python": "3.11",
    "torch": "2.13",
    "platform": "linux",
    "device": "cpu",
    "device_name": "cpu",
    "threads": 1,
    "cores": 2,
    "world_size": 1,
    "rank": 0,
    "source": "recorder",
    "recorder": {"gradients_every": 1, "layers_every": 1},
    "models": [],
    "optimizers": [],
    "losses": [],
    "loaders": [],
    "schedulers": [],
    "planned_steps": None,
}


def build_log(
    folder: Path,
    *,
    steps: Sequence[Mapping[str, Any]] | int = (),
    columns: Mapping[str, Any] | None = None,
    layers: Sequence[Mapping[str, Any]] = (),
    evals: Sequence[Mapping[str, Any]] = (),
    events: Sequence[Mapping[str, Any]] = (),
    end: Mapping[str, Any] | None = MappingProxyType({}),
    name: str = "log.json",
    **header: Any,
) -> Path:
    """Write a log and return its path.

    Steps come as records (`steps=[{"loss": 1.0}, ...]`, numbered from 0) or as columns (`columns={"loss": [...],
    "lr": 0.1}`; a single value is repeated, `steps=n` gives the length). Events are made by `event(kind, detail)`.
    """
    records = [{**HEADER, **header}]
    records += [{"record": "event", "step": 0, "subject": "", "detail": {}, **event} for event in events]
    records += step_records(steps, columns or {})
    records += [{"record": "layers", "step": i, "model": 0, **row} for i, row in enumerate(layers)]
    records += [{"record": "eval", "step": 0, **row} for row in evals]
    records += [{"record": "end", "reason": "finished", **end}] if end is not None else []
    path = folder / name
    path.write_text("[" + ",\n".join(json.dumps(plain(record)) for record in records) + "\n]\n", encoding="utf-8")
    return path


def step_records(steps: Sequence[Mapping[str, Any]] | int, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return step records out of records or columns."""
    rows: list[dict[str, Any]] = [{} for _ in range(steps)] if isinstance(steps, int) else [dict(row) for row in steps]
    length = max(
        [len(rows)] + [len(c) for c in columns.values() if isinstance(c, (list, tuple)) or hasattr(c, "__array__")]
    )
    rows += [{} for _ in range(length - len(rows))]
    for key, column in columns.items():
        values = (
            list(column) if isinstance(column, (list, tuple)) or hasattr(column, "__array__") else [column] * length
        )
        for row, value in zip(rows, values, strict=False):
            row[key] = [value] if key == "lr" and not isinstance(value, (list, tuple)) else value
    return [{"record": "step", "step": i, "opt": [0], **row} for i, row in enumerate(rows)]


def plain(value: Any) -> Any:
    """Return JSON values: numpy numbers as numbers, non-finite ones as the words of the format."""
    if isinstance(value, Mapping):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)) or (hasattr(value, "__array__") and getattr(value, "shape", ()) != ()):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value


def site(code: str, line: int = 41, file: str = "train.py") -> dict[str, Any]:
    """Return a place in the user's code."""
    return {"file": file, "line": line, "code": code}


def make_model(*layers: tuple[Any, ...], id: int = 0, **overrides: Any) -> dict[str, Any]:
    """Return a model: layers are (name, kind), (name, kind, fan_in, fan_out) or (name, kind, facts).

    Parameter ids count from 100 * id, two for each layer that has sizes: weight, then bias.
    """
    model: dict[str, Any] = {
        "id": id,
        "name": "model",
        "class": "Net",
        "site": None,
        "compiled": False,
        "loaded": False,
        "layers": [],
        "parameters": [],
    }
    for name, kind, *rest in layers:
        facts = rest[0] if rest and isinstance(rest[0], dict) else {}
        layer = {"name": name, "kind": kind, "site": None, "facts": dict(facts), "parameters": []}
        if len(rest) >= 2:
            fan_in, fan_out = rest[:2]
            layer["facts"] = {"in_features": fan_in, "out_features": fan_out}
            for role, shape in (("weight", [fan_out, fan_in]), ("bias", [fan_out])):
                number = 100 * id + len(model["parameters"])
                model["parameters"].append(
                    parameter(number, f"{name}.{role}", shape, layer=name, role=role, fan_in=fan_in)
                )
                layer["parameters"].append(number)
        model["layers"].append(layer)
    return {**model, **overrides}


def parameter(id: int, name: str, shape: Sequence[int], **facts: Any) -> dict[str, Any]:
    """Return the facts of one parameter."""
    base = {
        "id": id,
        "name": name,
        "shape": list(shape),
        "count": math.prod(shape),
        "trainable": True,
        "dtype": "float32",
        "layer": name.rpartition(".")[0],
        "role": "weight",
        "fan_in": shape[-1],
        "init_std": 0.1,
        "init_rms": 0.1,
        "loaded": False,
        "earlier": False,
    }
    return {**base, **facts}


def make_optimizer(
    kind: str = "SGD", lr: float = 0.1, parameters: Sequence[int] = (0, 1), id: int = 0, **group: Any
) -> dict[str, Any]:
    """Return an optimizer with one parameter group; further hyper-parameters go into the group."""
    code = f"optimizer = torch.optim.{kind}(model.parameters(), lr={lr})"
    return {
        "id": id,
        "class": kind,
        "site": site(code),
        "groups": [{"lr": lr, "parameters": list(parameters), **group}],
        "unknown_parameters": 0,
        "accumulates": 1,
    }


def make_loss(
    kind: str = "cross_entropy",
    prediction: Mapping[str, Any] | None = None,
    target: Mapping[str, Any] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """Return a loss function with what was seen of its inputs."""
    return {
        "id": 0,
        "name": kind,
        "kind": kind,
        "site": None,
        "reduction": "mean",
        "label_smoothing": 0.0,
        "weighted": False,
        "ignore_index": -100,
        "prediction": dict(prediction or {}),
        "target": dict(target or {}),
        "broadcast": None,
        "phase": "train",
        "graph": None,
        **facts,
    }


def event(kind: str, detail: Mapping[str, Any] | None = None, subject: str = "", step: int = 0) -> dict[str, Any]:
    """Return an event record."""
    return {"kind": kind, "step": step, "subject": subject, "detail": dict(detail or {})}


def log_of(folder: Path, **parts: Any) -> Any:
    """Build a log and read it."""
    from trainadvisor.log.reader import read_log

    return read_log(build_log(folder, **parts))


def signals_of(folder: Path, **parts: Any) -> Any:
    """Build a log, read it and return its signals."""
    from trainadvisor.signals import Signals

    return Signals(log_of(folder, **parts))
