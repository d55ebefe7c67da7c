"""A log of a million steps and two thousand layers, written as text because building records would take minutes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from builders import HEADER, make_optimizer, parameter

if TYPE_CHECKING:
    from pathlib import Path

STEPS, LAYERS, SAMPLES, EVALS = 1_000_000, 2000, 60, 100


def big_log(folder: Path, steps: int = STEPS, layers: int = LAYERS) -> Path:
    """Write the log and return its path."""
    path = folder / "big.json"
    with path.open("w", encoding="utf-8") as file:
        file.write("[" + json.dumps(_header(layers)))
        every = steps // SAMPLES
        for start in range(0, steps, every):
            file.write("".join(map(_step, range(start, min(start + every, steps)))))
            file.write(_layers(start, layers, steps))
        for number in range(1, EVALS + 1):
            record = {"record": "eval", "step": number * steps // EVALS, "epoch": number - 1, "loss": 0.5 + 2 / number}
            file.write(",\n" + json.dumps({**record, "losses": {}, "metrics": {"accuracy": 1 - 0.9 / number}}))
        file.write(',\n{"record": "end", "reason": "finished"}\n]\n')
    return path


def _header(layers: int) -> dict[str, object]:
    names = [f"transformer.blocks.{n // 4}.{('query', 'key', 'value', 'mlp')[n % 4]}" for n in range(layers)]
    parameters = [parameter(n, f"{name}.weight", [256, 256], layer=name) for n, name in enumerate(names)]
    kinds = [
        {"name": name, "kind": "Linear", "site": None, "facts": {}, "parameters": [n]} for n, name in enumerate(names)
    ]
    model = {"id": 0, "name": "Huge", "class": "Huge", "site": None, "compiled": False, "loaded": False}
    optimizer = make_optimizer("AdamW", 3e-4, range(layers))
    return {**HEADER, "models": [{**model, "layers": kinds, "parameters": parameters}], "optimizers": [optimizer]}


def _step(n: int) -> str:
    noise = n * 2654435761 % 1000 / 1000
    loss = 0.4 + 6 / (1 + n / 500) + 0.1 * noise + (4 if n % 99_991 == 50 else 0)
    values = f'"loss":{loss:.4g},"lr":[{3e-4 * (1 - n / 1e6):.4g}],"grad_norm":{0.5 + noise:.3g}'
    times = f'"seconds":{0.05 + 0.01 * noise:.3g},"wait":{0.01 * noise:.3g},"memory":900'
    return f',\n{{"record":"step","step":{n},"opt":[0],"epoch":{n // 10_000},{values},{times}}}'


def _layers(step: int, layers: int, steps: int) -> str:
    late = step / steps
    grad = ",".join(f"{10 ** (-4 * (1 - n / layers) - late):.3g}" for n in range(layers))
    update = ",".join(f"{1e-3 * (1 + n % 7):.3g}" for n in range(layers))
    return f',\n{{"record":"layers","step":{step},"model":0,"grad":[{grad}],"update":[{update}]}}'
