"""Synthetic runs with layers, for the rules on optimization, gradients and activations."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from builders import event, make_loss, make_model, make_optimizer, signals_of

from trainadvisor.judge.engine import judge
from trainadvisor.judge.rule_verdict import FOUND
from trainadvisor.signals.context import contexts

FAMILIES = ("optimization", "gradients", "activations")
H0 = math.log(10)
TARGET = {"histogram": [100] * 10, "classes": 10, "shape": [32], "dtype": "int64", "integer": True}
STEPS, SAMPLES = 400, 40


def learning(steps: int = STEPS, floor: float = 0.1) -> Any:
    """Return a training curve from ln 10 down to a floor, with the noise of batches."""
    noise = np.random.default_rng(0).normal(size=steps)
    return (floor + (H0 - floor) * np.exp(-6 * np.linspace(0, 1, steps))) * (1 + 0.02 * noise)


def stuck(steps: int = STEPS, level: float = H0) -> Any:
    """Return a curve that stays at one level."""
    return level * (1 + 0.01 * np.random.default_rng(0).normal(size=steps))


def every(value: Any) -> list[Any]:
    """Return a measurement for each sample: the same value throughout, or the given ones."""
    return value if isinstance(value, list) and len(value) == SAMPLES else [value] * SAMPLES


class Run:
    """A stack of ReLU layers with everything ordinary but what a test changes."""

    def __init__(
        self, depth: int = 3, activation: str = "relu", optimizer: str = "SGD", lr: float = 0.1, **group: Any
    ) -> None:
        self.depth = depth
        self.loss, self.lr, self.columns = learning(), lr, {"batch": 32, "grad_norm": [1.0] * STEPS}
        self.grad, self.update, self.weight = [0.5] * depth, [0.005] * depth, [2.0] * depth
        self.act = {"act_dead": 0.05, "act_saturated": 0.0, "act_spread": 1.0, "act_rms": 1.0, "act_max": 5.0}
        self.output = {"act_spread": 2.0, "act_max": 8.0}
        self.evals: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {"losses": [make_loss(target=TARGET)]}
        self.model = make_model(*((f"l{i}", "Linear", 64, 64) for i in range(depth)))
        self.rows = [row for i in range(depth) for row in self._rows(f"l{i}", activation if i < depth - 1 else "")]
        self.optimizer = make_optimizer(optimizer, lr=lr, parameters=range(2 * depth), **group)
        self.init(0.14)

    @staticmethod
    def _rows(name: str, activation: str) -> list[dict[str, Any]]:
        row = {"name": name, "kind": "linear", "layer": name}
        return [row, {"name": f"{name}.{activation}", "kind": activation, "layer": name}] if activation else [row]

    def init(self, std: float) -> None:
        """Set the scale of the initial weights."""
        for parameter in self.model["parameters"][::2]:
            parameter.update(init_std=std, init_rms=std or 0.0)

    def add_layer(self, kind: str, **facts: Any) -> None:
        """Add a layer without weights to the model."""
        self.model["layers"].append(
            {"name": kind.lower(), "kind": kind, "site": None, "facts": facts, "parameters": []}
        )

    def found(self, folder: Path, book: Any) -> dict[str, str]:
        """Return the codes of the three families that are found, with their severity."""
        rows = [*self.rows, {"name": "output", "kind": "output", "layer": ""}]
        table = event("table", {"id": 0, "model": 0, "rows": rows})
        columns = {"loss": self.loss, "loss_id": 0, "lr": self.lr, **self.columns}
        signals = signals_of(
            folder, columns=columns, layers=self._layers(), evals=self.evals, models=[self.model],
            optimizers=[self.optimizer], events=[table], **self.facts,
        )  # fmt: skip
        verdicts = judge(signals, book, contexts(signals.log))
        return {v.code: v.severity for v in verdicts if v.state == FOUND and v.rule.family in FAMILIES}

    def _layers(self) -> list[dict[str, Any]]:
        return [self._sample(i) for i in range(SAMPLES)]

    def _sample(self, i: int) -> dict[str, Any]:
        pairs = {"grad": self.grad, "update": self.update, "weight": self.weight}
        sample = {name: [v for value in every(values)[i] for v in (value, 0.1)] for name, values in pairs.items()}
        acts = {
            name: self._activations(every(value)[i], every(self.output.get(name, 0.0))[i])
            for name, value in self.act.items()
        }
        return {"step": i * STEPS // SAMPLES, "table": 0, **sample, **acts}

    def _activations(self, value: Any, output: float) -> list[float]:
        return [*(value if isinstance(value, list) else [value] * len(self.rows)), output]
