"""Which healthy trainings really learned well, and which faults did harm, judged by outcomes alone."""

from __future__ import annotations

import math
from typing import Any

from bases import Spec, identity
from plan import FAULTS

Outcome = dict[str, Any]
SEEDED = {"tabular", "imbalanced", "linear", "markov", "manifold", "ratings"}  # another seed is another problem


def groups(specs: list[Spec], results: dict[str, Outcome | None]) -> dict[tuple[Any, ...], float]:
    """Return the best skill reached on each task."""
    best: dict[tuple[Any, ...], float] = {}
    for spec in specs:
        result = results.get(identity(spec))
        if result and math.isfinite(result["skill"]):
            best[_key(spec)] = max(best.get(_key(spec), 0.0), result["skill"])
    return best


def _key(spec: Spec) -> tuple[Any, ...]:
    seed = spec["data_seed"] if spec["task"] in SEEDED else None
    return (spec["loop"], spec["task"], seed, bool(spec.get("frozen")), spec["arch"] == "linear")


def healthy(spec: Spec, result: Outcome | None, best: dict[tuple[Any, ...], float]) -> bool:
    """Return whether a training without fault came close to the best known result and kept what it had learned."""
    if result is None or not math.isfinite(result["skill"]):
        return False
    top = best[_key(spec)]
    near = result["skill"] >= top - max(0.1 * top, 1.5 * _noise(spec, result["skill"]))
    return top > 0.25 and near and _kept(result["history"])


def _noise(spec: Spec, skill: float) -> float:
    """Return the standard error of a skill due to a small validation set."""
    return math.sqrt(max(skill * (1 - skill), 0.02) / spec["n_val"])


def _kept(history: list[float]) -> bool:
    if not history or not all(map(math.isfinite, history)):
        return not history
    low = min(history)
    return history[-1] - low <= max(0.2 * abs(low), 0.05 * (history[0] - low))


def harmed(spec: Spec, result: Outcome | None, healthy: Outcome) -> bool:
    """Return whether the fault made the training worse than its healthy counterpart of the same seed."""
    if FAULTS[spec["label"]].get("resource"):
        return True
    if result is None or not math.isfinite(result["skill"]) or not math.isfinite(result["train_loss"]):
        return True
    allowed = max(0.07, 0.25 * (1 - healthy["skill"])) + 1.5 * _noise(spec, healthy["skill"])
    return healthy["skill"] - result["skill"] > allowed
