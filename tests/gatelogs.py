"""Twenty logs for the gate, each with a known fault or none."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from builders import build_log, event, make_model, make_optimizer

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 200
FALLING = [2.3 * 0.98**step for step in range(STEPS)]
_random = random.Random(0)  # noqa: S311 - noise, no secret


def _tally(**counts: int) -> list[dict[str, Any]]:
    calls = {"forward": STEPS, "train_forward": STEPS, "backward": STEPS, "step": STEPS, "zero_grad": STEPS}
    return [event("tally", {**calls, **counts})]


def _evals(losses: list[float]) -> list[dict[str, Any]]:
    rows = enumerate(losses, 1)
    return [{"step": 20 * n, "epoch": n, "loss": loss, "loss_id": 0, "examples": 2000} for n, loss in rows]


RISING_AGAIN = [*FALLING[:100], *(0.3 * 1.05**step for step in range(100))]
# name: (the exit code of a plain check, the finding it is about, the parts of the log)
LOGS: dict[str, tuple[int, str | None, dict[str, Any]]] = {
    "falling": (0, None, {"loss": FALLING}),
    "noisy": (0, None, {"loss": [loss * (1 + 0.05 * _random.random()) for loss in FALLING]}),
    "long": (0, None, {"loss": [2.3 * 0.998**step for step in range(2000)]}),
    "quick": (0, None, {"loss": FALLING[:60]}),
    "timed": (0, None, {"loss": FALLING, "seconds": 0.05, "wait": 0.001, "memory": 300.0}),
    "validated": (0, None, {"loss": FALLING, "evals": _evals([2.0 * 0.8**n for n in range(10)])}),
    "optimized": (
        0,
        None,
        {"loss": FALLING, "optimizers": [make_optimizer()], "models": [make_model(("a", "Linear", 4, 2))]},
    ),
    "nan": (1, "nan-loss", {"loss": [*FALLING[:50], *["nan"] * 50]}),
    "infinite": (1, "nan-loss", {"loss": [*FALLING[:50], *["inf"] * 50]}),
    "nan-late": (1, "nan-loss", {"loss": [*FALLING[:150], *["nan"] * 50]}),
    "rising": (1, "divergence", {"loss": [0.5 * 1.05**step for step in range(STEPS)]}),
    "rising-again": (1, "divergence", {"loss": RISING_AGAIN}),
    "stale": (1, "missing-zero-grad", {"loss": FALLING, "stale": True, "events": _tally(zero_grad=0, stale_steps=199)}),
    "unstepped": (1, "missing-optimizer-step", {"loss": [2.3] * STEPS, "opt": [[]] * STEPS, "events": _tally(step=0)}),
    "waiting": (0, "data-loader-bound", {"loss": FALLING, "seconds": 0.1, "wait": 0.08}),
    "growing": (
        0,
        "memory-growth",
        {"loss": FALLING, "memory": [100.0 + 5 * n for n in range(STEPS)], "seconds": 0.05},
    ),
    "overfitted": (
        0,
        "overfitting",
        {"loss": FALLING, "evals": _evals([1.2, 1.1, 1.0, 1.1, 1.3, 1.4, 1.5, 1.6, 1.8, 1.9])},
    ),
    "short": (3, None, {"loss": FALLING[:10]}),
    "empty": (3, None, {"loss": []}),
    "one": (3, None, {"loss": [2.3]}),
}
WARNED = ("waiting", "growing", "overfitted")
LOUD = tuple(name for name, (code, _, _) in LOGS.items() if code == 1)
UNDECIDED = tuple(name for name, (code, _, _) in LOGS.items() if code == 3)


def write(folder: Path, name: str, **header: Any) -> Path:
    """Write one of the logs and return its path."""
    parts = dict(LOGS[name][2])
    header |= {key: parts.pop(key) for key in ("optimizers", "models") if key in parts}
    others = {key: parts.pop(key) for key in ("evals", "events") if key in parts}
    steps = len(parts["loss"])
    columns = {"lr": 0.1, **parts}
    return build_log(
        folder, name=f"{name}.json", steps=steps, columns=columns, end={"steps": steps}, **others, **header
    )
