"""What the whole run will take, by what its first steps took: memory, and the time of an epoch and of all."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.i18n.language import say
from trainadvisor.preflight.preflight_result import Check
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

# Steps before which memory and time are those of a start.
SETTLED = 3
# Numbers that an optimizer keeps for each parameter; others are not told apart.
STATES = {"Adam": 2, "AdamW": 2, "NAdam": 2, "RAdam": 2, "Adamax": 2, "Adagrad": 1, "RMSprop": 1, "Lion": 1}
BYTES = {"float16": 2, "bfloat16": 2, "half": 2, "float64": 8, "double": 8}
EPOCHS = re.compile(r"--?(?:num[-_]|max[-_]|n[-_]?)?(?:train[-_])?epochs?(?:=(\d+))?$")
MEGABYTE = 1e6


def check(log: RunLog, lang: str) -> Check:
    """Return the check that tells memory and time; it never fails."""
    figures = measured(log)
    told = [_memory(figures, lang), _time(figures, lang)]
    text = "; ".join(part for part in told if part)
    if not text:
        return Check(name="whole-run", state="not-judged", sentence=say("preflight.whole.unknown", lang))
    return Check(name="whole-run", state="passed", sentence=text, figures=figures)


def measured(log: RunLog) -> dict[str, Any]:
    """Return peak memory and its known parts in MB, seconds of a step, and what an epoch and the run make of it."""
    figures: dict[str, Any] = {"peak_mb": _largest(log), **_parts(log)}
    seconds = log.column("seconds")[SETTLED:]
    seconds = seconds[np.isfinite(seconds)]
    figures["step_seconds"] = float(np.median(seconds)) if seconds.size else None
    figures["epoch_steps"], figures["epochs"] = _epoch_steps(log), _epochs(log.header.get("argv") or [])
    if figures["step_seconds"] is not None and figures["epoch_steps"]:
        figures["epoch_seconds"] = figures["step_seconds"] * figures["epoch_steps"]
        if figures["epochs"]:
            figures["run_seconds"] = figures["epoch_seconds"] * figures["epochs"]
    return figures


def _largest(log: RunLog) -> float | None:
    for name in ("memory_peak", "memory"):
        known = log.whole_column(name)
        known = known[np.isfinite(known)]
        if known.size:
            return float(known.max())
    return None


def _parts(log: RunLog) -> dict[str, float | None]:
    """Return what parameters, gradients and the states of the optimizer take, in MB."""
    parameters = [p for model in log.models for p in model["parameters"]]
    sizes = [(p["count"] * BYTES.get(str(p.get("dtype")), 4), bool(p.get("trainable"))) for p in parameters]
    trained = sum(size for size, trainable in sizes if trainable)
    held = Signals(log).get("optimizer_class")
    states = STATES.get(str(held))
    if held == "SGD":
        states = 1 if Signals(log).get("momentum") else 0
    return {
        "parameters_mb": sum(size for size, _ in sizes) / MEGABYTE,
        "gradients_mb": trained / MEGABYTE,
        "optimizer_mb": None if states is None else states * trained / MEGABYTE,
    }


def _epoch_steps(log: RunLog) -> int | None:
    """Return the steps of a pass over the training loader."""
    loader = next((loader for loader in log.loaders if loader.get("role") == "train"), None)
    batches = loader.get("batches") if loader else None
    micro = log.column("micro")
    each = float(np.nanmedian(micro)) if np.isfinite(micro).any() else 1.0
    return math.ceil(batches / max(each, 1.0)) if isinstance(batches, int) and batches > 0 else None


def _epochs(argv: list[Any]) -> int | None:
    """Return the epochs that the options of the script ask for."""
    words = [str(word) for word in argv]
    for word, following in zip(words, [*words, ""][1:], strict=True):
        if (found := EPOCHS.match(word)) and (number := found[1] or following).isdecimal():
            return int(number)
    return None


def _memory(figures: dict[str, Any], lang: str) -> str:
    if figures["peak_mb"] is None:
        return ""
    held = figures["parameters_mb"] + figures["gradients_mb"] + (figures["optimizer_mb"] or 0.0)
    return say("preflight.whole.memory", lang, peak=figures["peak_mb"], held=held)


def _time(figures: dict[str, Any], lang: str) -> str:
    if figures["step_seconds"] is None:
        return ""
    key = "run" if "run_seconds" in figures else "epoch" if "epoch_seconds" in figures else "step"
    values = {name: figures.get(name) for name in ("epoch_steps", "epochs")}
    times = {name: _spell(figures.get(f"{name}_seconds")) for name in ("epoch", "run")}
    return say(f"preflight.whole.{key}", lang, ms=1000 * figures["step_seconds"], **values, **times)


def _spell(seconds: float | None) -> str:
    """Return a time in the unit that people would use."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
