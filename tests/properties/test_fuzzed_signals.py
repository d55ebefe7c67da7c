"""Signals of logs whose values are anything that a log may hold: absent or finite, never an error."""

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import build_log, event, make_loss, make_model, make_optimizer

from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals
from trainadvisor.signals.context import contexts

STEPS, LOGS = 40, 60
ANYTHING = (
    None,
    "nan",
    "inf",
    "-inf",
    "word",
    -1,
    0,
    1,
    1e300,
    -1e-300,
    0.5,
    True,
    [],
    {},
    [1, "nan"],
    {"a": 1},
    2**60,
)
TARGET = {"histogram": [10] * 4, "classes": 4, "shape": [32], "integer": True, "mean": 1.5, "std": 1.0, "variance": 1.0}
PREDICTION = {"shape": [32, 4], "batch_spread": 0.5, "std": 0.6, "mean": 0.0, "batches": 9, "min": -2.0, "max": 2.0}
ROWS = [{"name": name, "kind": kind, "layer": name} for name, kind in (("a", "linear"), ("b", "relu"), ("c", "linear"))]


def parts() -> dict[str, Any]:
    """Return a small run with something of everything."""
    loss = np.linspace(1.4, 0.3, STEPS).tolist()
    seen = {"phase": "train", "model": 0, "shape": [32, 8], "mean": 0.0, "std": 1.0, "batches": 9, "examples": 288}
    return {
        "columns": {"loss": loss, "loss_id": 0, "grad_norm": 1.0, "lr": 0.1, "batch": 32, "micro": 1, "seconds": 0.01},
        "models": [make_model(("a", "Linear", 8, 16), ("b", "ReLU"), ("c", "Linear", 16, 4))],
        "optimizers": [make_optimizer("Adam", parameters=range(4), betas=[0.9, 0.999], eps=1e-8, weight_decay=0.0)],
        "losses": [make_loss(target=TARGET, prediction=PREDICTION), make_loss("mse_loss", id=1, reduction="sum")],
        "loaders": [{"id": 0, "examples": 288, "batch_size": 32, "shuffle": True, "workers": 0}],
        "layers": [{"table": 0, **{f"act_{n}": [0.5] * 3 for n in ("spread", "std", "rms", "max", "dead", "saturated")},
                    **{n: [0.1] * 4 for n in ("grad", "weight", "update")}, "alpha": 0.5}] * 12,
        "evals": [{"step": n, "loss": 1.0 / n, "losses": {"0": 1.0 / n}, "metrics": {"accuracy": 0.5}, "examples": 99,
                   "batches": 3, "mode": "eval", "care": True} for n in range(1, STEPS, 5)],
        "events": [event("table", {"id": 0, "model": 0, "rows": ROWS}), event("inputs", seen, subject="train"),
                   event("tally", {"step": STEPS, "backward": STEPS, "forward": 50, "train_forward": STEPS}),
                   event("resume", {"optimizer": True, "loss": 1.0}, step=9), event("nonfinite", step=30)],
    }  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each place of a nested value as its holder and its key."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for key in keys for place in ((value, key), *places(value[key]))]


def spoiled(chance: random.Random) -> dict[str, Any]:
    """Return the run with some of its values replaced by anything or taken away."""
    run = copy.deepcopy(parts())
    for holder, key in chance.sample(places(run), chance.choice([1, 3, 12, 40])):
        whole = holder is run or any(holder is part for part in run.values())
        protected = whole or key in ("id", "record", "step", "kind")
        if not protected and (key in holder if isinstance(holder, dict) else key < len(holder)):
            holder[key] = copy.deepcopy(chance.choice(ANYTHING))
    return run


@pytest.mark.parametrize("seed", range(LOGS))
def test_signals_of_a_spoiled_log_raise_nothing(tmp_path: Path, seed: int) -> None:
    """No signal and no context fails; what is there is finite."""
    log = read_log(build_log(tmp_path, **spoiled(random.Random(seed))))  # noqa: S311 - the same logs in each run
    signals = Signals(log)
    contexts(log)
    values = {name: signals[name] for name in signals}
    assert signals.notes == []
    assert all(np.isfinite(value) for value in values.values() if isinstance(value, float))


def test_the_run_itself_has_signals(tmp_path: Path) -> None:
    """Unspoiled, it determines most of them."""
    signals = Signals(read_log(build_log(tmp_path, **parts())))
    assert sum(signals[name] is not None for name in signals) > 100
    assert signals.notes == []
