"""What the whole run will take, by what its first steps took: memory, and the time of an epoch and of all."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.i18n.language import say
from trainadvisor.preflight.batch_scaling import Measured, through
from trainadvisor.preflight.preflight_result import Check
from trainadvisor.signals import Signals
from trainadvisor.trials.jobs import Change
from trainadvisor.vocabulary import Severity

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

# Steps before which memory and time are those of a start, and before which much is recorded.
SETTLED, RESTED = 3, 20
# What people tell a time in, by its seconds, in English and Chinese.
UNITS = {86400: ("d", "天"), 3600: ("h", "小时"), 60: ("min", "分钟"), 1: ("s", "秒")}
# Plain steps below which the others are taken as well.
FEWEST = 8
# Kind of the event with the seconds of steps that were not recorded.
UNRECORDED = "unrecorded-steps"
# Steps that are recorded after them: the run ends at one of these.
BEHIND = 10
# Share of a step from which on waiting for data is worth telling.
MUCH = 0.15
# Numbers that an optimizer keeps for each parameter; others are not told apart.
STATES = {"Adam": 2, "AdamW": 2, "NAdam": 2, "RAdam": 2, "Adamax": 2, "Adagrad": 1, "RMSprop": 1, "Lion": 1}
BYTES = {"float16": 2, "bfloat16": 2, "half": 2, "float64": 8, "double": 8}
EPOCHS = re.compile(r"--?(?:num[-_]|max[-_]|n[-_]?)?(?:train[-_])?epochs?(?:=(\d+))?$")
MEGABYTE = 1e6


@dataclass(frozen=True)
class Plan:
    """What is known besides the first steps: those at another batch size, the planned one, and the limit in MB."""

    other: RunLog | None = None
    batch: int | None = None
    limit: float | None = None


def check(log: RunLog, lang: str, plan: Plan | None = None) -> Check:
    """Return the check that tells memory and time; it fails where the memory is not there."""
    plan = plan or Plan()
    figures = measured(log, plan)
    told = [_memory(figures, lang), _time(figures, lang), _planned(figures, lang), _slowest(figures, lang)]
    text = say("semicolon", lang).join(part for part in told if part)
    if not text:
        return Check(name="whole-run", state="not-judged", sentence=say("preflight.whole.unknown", lang))
    needed, limit = figures["planned_peak_mb"] or figures["peak_mb"], plan.limit
    if needed is None or limit is None or needed <= limit:
        return Check(name="whole-run", state="passed", sentence=text, figures=figures)
    most = figures["largest_batch"]
    key = "preflight.whole.too-large" if most else "preflight.whole.no-room"
    verdict = say(key, lang, needed=needed, limit=limit, largest=most)
    return Check(
        name="whole-run", state="failed", severity=Severity.ERROR, figures=figures,
        sentence=say("semicolon", lang).join([verdict, text]),
    )  # fmt: skip


def measured(log: RunLog, plan: Plan | None = None) -> dict[str, Any]:
    """Return peak memory and its known parts in MB, seconds of a step, and what an epoch and the run make of it."""
    plan = plan or Plan()
    figures: dict[str, Any] = {"peak_mb": _largest(log), **_parts(log), "limit_mb": plan.limit}
    figures["step_seconds"], figures["data_seconds"] = step_seconds(log), plain_step(log, "wait")
    figures["batch"] = batch_of(log)
    figures["epoch_steps"], figures["epochs"] = _epoch_steps(log), _epochs(log.header.get("argv") or [])
    figures |= _scaled(log, plan, figures)
    seconds, steps = figures["planned_step_seconds"] or figures["step_seconds"], figures["epoch_steps"]
    if plan.batch and figures["batch"] and steps:
        steps = figures["planned_epoch_steps"] = math.ceil(steps * figures["batch"] / plan.batch)
    if seconds is not None and steps:
        figures["epoch_seconds"] = seconds * steps
        if figures["epochs"]:
            figures["run_seconds"] = figures["epoch_seconds"] * figures["epochs"]
    return figures


def _scaled(log: RunLog, plan: Plan, figures: dict[str, Any]) -> dict[str, Any]:
    """Return what the second batch size tells: memory an example, the largest batch, and the planned one's needs."""
    told: dict[str, Any] = dict.fromkeys(
        ("planned_peak_mb", "planned_step_seconds", "held_mb", "example_mb", "example_seconds", "largest_batch")
    )
    told["planned_batch"] = plan.batch
    one, other = _at(log), _at(plan.other) if plan.other is not None else None
    scaling = through(one, other) if one is not None and other is not None else None
    if scaling is None:
        return told
    told |= {"held_mb": scaling.held, "example_mb": scaling.each, "example_seconds": scaling.each_seconds}
    if plan.limit is not None:
        told["largest_batch"] = scaling.largest(plan.limit)
    if plan.batch is not None and plan.batch != figures["batch"]:
        told |= {"planned_peak_mb": scaling.peak(plan.batch), "planned_step_seconds": scaling.seconds(plan.batch)}
    return told


def _at(log: RunLog) -> Measured | None:
    batch, peak = batch_of(log), _largest(log)
    return None if batch is None or peak is None else Measured(batch, peak, step_seconds(log))


def timed(steps: int) -> Change:
    """Return the change that leaves some steps unrecorded in a run of that many steps."""
    return Change(UNRECORDED, {"after": max(steps - BEHIND, 1)})


def step_seconds(log: RunLog) -> float | None:
    """Return what a step takes by itself: one that was not recorded, else less what recording took by its own clock."""
    if (bare := _unrecorded(log)) is not None:
        return bare
    seconds = plain_step(log, "seconds")
    told = [event["detail"].get("scalars") for event in log.events if event["kind"] == "overhead"]
    ours = next((share for share in reversed(told) if isinstance(share, float) and 0 <= share < 1), 0.0)
    return None if seconds is None else seconds * (1 - ours)


def _unrecorded(log: RunLog) -> float | None:
    """Return the median of the steps that were timed and not recorded."""
    told = [event["detail"].get("seconds") for event in log.events if event["kind"] == UNRECORDED]
    gaps = [gap for each in told if isinstance(each, list) for gap in each if isinstance(gap, float) and gap > 0]
    return float(np.median(gaps)) if gaps else None


def batch_of(log: RunLog) -> int | None:
    """Return the batch size of the loader that trains."""
    loader = next((loader for loader in log.loaders if loader.get("role") == "train"), None)
    size = loader.get("batch_size") if loader else None
    return size if isinstance(size, int) and size > 0 else None


def plain_step(log: RunLog, name: str) -> float | None:
    """Return the median over steps in which little is recorded: those after the first ones that are no samples."""
    values, sampled = log.column(name), np.isfinite(log.column("grad_norm"))
    number = np.arange(values.size)
    plain = np.isfinite(values) & ~sampled & (number >= RESTED)
    if plain.sum() < FEWEST:
        plain = np.isfinite(values) & (number >= SETTLED)
    return float(np.median(values[plain])) if plain.any() else None


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
    each = max(float(np.nanmedian(micro)), 1.0) if np.isfinite(micro).any() else 1.0
    return math.ceil(batches / each) if isinstance(batches, int) and batches > 0 else None


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
    if figures["planned_batch"]:
        key = "step"
    values = {name: figures.get(name) for name in ("epoch_steps", "epochs")}
    times = {name: _spell(figures.get(f"{name}_seconds"), lang) for name in ("epoch", "run")}
    return say(f"preflight.whole.{key}", lang, ms=1000 * figures["step_seconds"], **values, **times)


def _planned(figures: dict[str, Any], lang: str) -> str:
    """Return what the planned batch takes; without one, what an example takes and which batch still fits."""
    batch = figures["planned_batch"]
    if batch is None or batch == figures["batch"]:
        most = figures["largest_batch"]
        return say("preflight.whole.largest", lang, each=figures["example_mb"], largest=most) if most else ""
    if figures["planned_peak_mb"] is None:
        return say("preflight.whole.unplanned", lang, batch=batch)
    told = say("preflight.whole.planned", lang, batch=batch, peak=figures["planned_peak_mb"])
    times = {"ms": 1000 * figures["planned_step_seconds"]} if figures["planned_step_seconds"] else None
    if times is None or "epoch_seconds" not in figures:
        return told
    key = "run" if "run_seconds" in figures else "epoch"
    spelled = {name: _spell(figures.get(f"{name}_seconds"), lang) for name in ("epoch", "run")}
    numbers = {"epoch_steps": figures["planned_epoch_steps"], "epochs": figures["epochs"]}
    return told + say("semicolon", lang) + say(f"preflight.whole.{key}", lang, **times, **spelled, **numbers)


def _slowest(figures: dict[str, Any], lang: str) -> str:
    """Return which part of a step is the slowest, and how short a step could be if the others ran beside it."""
    step, data = figures["step_seconds"], figures["data_seconds"]
    if step is None or data is None or not step:
        return ""
    parts = {"data": min(data, step), "compute": max(step - data, 0.0)}
    figures["slowest"] = name = max(parts, key=lambda key: parts[key])
    figures["least_step_seconds"] = parts[name]
    if min(parts.values()) < MUCH * step:
        return ""
    return say(f"preflight.whole.slowest.{name}", lang, ms=1000 * parts[name], share=parts[name] / step)


def _spell(seconds: float | None, lang: str) -> str:
    """Return a time in the unit that people would use."""
    if seconds is None:
        return ""
    size = next((size for size in UNITS if seconds >= size), 1)
    return f"{seconds / size:.1f} {UNITS[size][lang == 'zh']}"
