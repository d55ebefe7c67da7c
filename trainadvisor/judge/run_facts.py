"""What a report says about the run itself: figures of the log and of signals, whatever there is of them."""

import hashlib
import math
from itertools import islice, pairwise
from typing import Any

import numpy as np

from trainadvisor.judge.crash_facts import crash
from trainadvisor.judge.object_sites import main_object, main_optimizer
from trainadvisor.judge.rule_verdict import SignalSource
from trainadvisor.log.curves.players import players
from trainadvisor.log.printed_figures import printed
from trainadvisor.log.reader import RunLog
from trainadvisor.log.short_trainings import many_short
from trainadvisor.signals.evaluations import part_validated
from trainadvisor.signals.printed_metrics import recorded_as
from trainadvisor.signals.robust_statistics import median, quantiles
from trainadvisor.signals.task_metrics import is_of_the_loss

FROM_HEADER = (
    "script",
    "script_mark",
    "argv",
    "created",
    "seed",
    "python",
    "torch",
    "device",
    "device_name",
    "planned_steps",
    "world_size",
    "source",
)
# Points of the loss that travel with a diagnosis, for small charts and comparisons.
CURVE = 60
MOST_METRICS = 50
# Metrics of the task that a report tells from first to last.
MOST_TOLD = 3
FROM_SIGNALS = (
    "loss_kind", "loss_first", "loss_final", "loss_best", "trivial_loss", "skill", "val_loss_first", "val_loss_final",
    "val_loss_best", "val_accuracy_final", "val_accuracy_best", "val_noise", "train_accuracy_final", "skill_gap",
    "accuracy_gap", "grad_norm_median", "grad_depth_ratio", "update_ratio_median", "alpha_median", "optimizer_class",
    "val_skill_best", "lr_first", "lr_peak", "lr_final", "momentum", "weight_decay", "batch_median", "dead_unit_share",
    "dead_unit_share_worst", "saturated_share", "saturated_share_worst", "depth", "step_seconds", "wait_share",
    "memory_growth",
)  # fmt: skip


# Layers that a model may lack, by the shares of each of them: without them the worst share is 0 and says nothing.
BY_LAYER = {"rectifiers": "dead_by_layer", "squashing": "saturated_by_layer"}


def run_facts(log: RunLog, signals: SignalSource) -> dict[str, Any]:
    """Return the facts of a run by name; what is not known is left out."""
    facts = {name: log.header.get(name) for name in FROM_HEADER}
    facts |= {"log": str(log.path), **_counts(log), **_points(log, signals), **_setting(log, signals)}
    facts |= {**_workload(log), **_cost(log)}
    facts["exception"], facts["cut"] = crash(log), log.cut
    if (many := many_short(log)) is not None:
        facts |= {"trainings": many.count, "trainings_steps": many.steps}
    else:
        facts |= {name: signals.get(name) for name in FROM_SIGNALS}
        facts["lacking"] = [kind for kind, shares in BY_LAYER.items() if not signals.get(shares)]
        facts |= {**_gradients(log), **_validation(log, signals), "loss_curve": _curve(log), "players": _players(log)}
    facts["unit"] = _unit(log)
    return {name: value for name, value in facts.items() if value is not None and value != []}


def _counts(log: RunLog) -> dict[str, Any]:
    return {
        "steps": log.all_steps_count,
        "judged_steps": len(log.steps),
        "stages": len(log.phases),
        "evals": len(log.evals),
        "models": [model["name"] for model in log.models],
        "end": log.end.get("reason") if log.end else None,
        "memory": _last(log.column("memory")),
    }


def _points(log: RunLog, signals: SignalSource) -> dict[str, Any]:
    """Return the steps that another tool's log counts, and how many points stand for them."""
    points, last = signals.get("curve_points"), signals.get("curve_last_step")
    if points is None:
        return {}
    # Epochs are often counted from 0: the last of 40 is called 39.
    steps = (last or 0) + (_unit(log) == "epoch" and _first(log) == 0)
    return {"steps": steps, "judged_steps": steps, "points": points}


def _unit(log: RunLog) -> str | None:
    unit = log.header.get("imported", {}).get("unit")
    return unit if unit == "epoch" else None


def _first(log: RunLog) -> int | None:
    return min([*log.steps[:1].tolist(), *(e["step"] for e in log.all_evals[:1])], default=None)


def _last(column: Any) -> float | None:
    known = column[np.isfinite(column)]
    return float(known[-1]) if known.size else None


def _gradients(log: RunLog) -> dict[str, Any]:
    norms = log.column("grad_norm")
    norms = norms[np.isfinite(norms)]
    low, high = quantiles(norms, (0.05, 0.95)) if norms.size else (None, None)
    return {"grad_norm_low": low, "grad_norm_high": high, **_reached(log)}


def _reached(log: RunLog) -> dict[str, Any]:
    """Count the trainable parameters that got a gradient at least once.

    Loaded parts without use, and layers that were made to be copied, do not count.
    """
    grads, rows = log.layers.column("grad"), log.layers.rows("grad")
    trainable = np.array([p["trainable"] for p in rows], dtype=bool)
    if not len(grads) or not trainable.any():
        return {}
    reached = ~np.isnan(grads).all(axis=0)
    trainable &= reached | np.array([p.get("loaded") is not True for p in rows], dtype=bool)
    trainable &= reached | ~_copied(rows, reached)
    return {"tensors": int(trainable.sum()), "tensors_reached": int((reached & trainable).sum())}


def _copied(rows: list[dict[str, Any]], reached: Any) -> Any:
    """Return which parameters are of layers whose copies got the gradients, such as the one of a TransformerEncoder.

    A copy begins with the same values: size and spread of all parameters of the layer are equal, and some were random.
    The others of one list are copies of each other, each of which is meant to be used.
    """
    paths = [p["name"].split(".") for p in rows]
    used: dict[tuple[Any, ...], set[str]] = {}
    for parameter, path in ((p, path) for p, path, hit in zip(rows, paths, reached, strict=True) if hit):
        for depth in range(1, len(path)):
            used.setdefault((*path[depth:], *_start(parameter)), set()).add(_unnumbered(path))
    copied = np.zeros(len(rows), dtype=bool)
    for depth in range(1, max(map(len, paths))):
        layers: dict[tuple[str, ...], list[int]] = {}
        for place, path in enumerate(paths):
            layers.setdefault(tuple(path[:depth]), []).append(place)
        for places in layers.values():
            if reached[places].any() or not any((rows[n].get("init_std") or 0.0) > 0 for n in places):
                continue
            twins = (used.get((*paths[n][depth:], *_start(rows[n])), set()) - {_unnumbered(paths[n])} for n in places)
            copied[places] |= all(twins)
    return copied


def _unnumbered(path: list[str]) -> str:
    """Return a name without the places in lists."""
    return ".".join("#" if part.isdigit() else part for part in path)


def _start(parameter: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(parameter["shape"]), parameter.get("init_rms"), parameter.get("init_std")


def _validation(log: RunLog, signals: SignalSource) -> dict[str, Any]:
    losses = [record.get("loss") for record in log.evals]
    known = [(value, place) for place, value in enumerate(losses, 1) if isinstance(value, (int, float))]
    return {
        "best_eval": min(known)[1] if known else None,
        "best_accuracy_eval": _best_accuracy(log),
        "generalization_gap": signals.get("val_train_gap"),
        "val_metrics": _metrics(log),
        "task_metrics": _task_metrics(log),
        "val_data": _validated_on(log),
        "val_part": list(part_validated(log) or ()),
    }


def _validated_on(log: RunLog) -> list[float] | None:
    """Return what marks the data of the last evaluation: its examples, and the loss of a constant answer on them."""
    last = log.evals[-1] if log.evals else {}
    examples, trivial = last.get("examples"), last.get("trivial")
    if not isinstance(examples, int) or not isinstance(trivial, (int, float)):
        return None
    return [float(examples), float(trivial)]


def _best_accuracy(log: RunLog) -> int | None:
    """Return the number of the evaluation with the highest accuracy, the first of equal ones."""
    told = [(record.get("metrics") or {}).get("accuracy") for record in log.evals]
    known = [(-value, place) for place, value in enumerate(told, 1) if isinstance(value, (int, float))]
    return min(known)[1] if known else None


def _metrics(log: RunLog) -> dict[str, float] | None:
    """Return the last value of each metric of the evaluations, by the name that the log gives it."""
    found: dict[str, float] = {}
    for told in _told(log):
        found |= {str(n): float(v) for n, v in told.items() if _is_finite(v)}
    return dict(islice(found.items(), MOST_METRICS)) or None


def _task_metrics(log: RunLog) -> list[dict[str, Any]]:
    """Return the first and the last value of the metrics that say more than the loss; of curves also of training."""
    known = _metrics(log) or {}
    names = [name for name in known if not is_of_the_loss(name) and recorded_as(name) not in {*known} - {name}]
    names = names[:MOST_TOLD]
    values: dict[str, list[Any]] = {
        name: [value for metrics in _told(log) if _is_finite(value := metrics.get(name))] for name in names
    }
    if "imported" in log.header:
        accuracy = log.column("accuracy")
        values |= {"": accuracy[np.isfinite(accuracy)].tolist()}
    return [{"name": n, "first": float(told[0]), "last": float(told[-1])} for n, told in values.items() if told]


def _told(log: RunLog) -> list[dict[str, Any]]:
    """Return the metrics of each evaluation, of a training without any what its script printed, as a return."""
    if log.evals:
        return [record["metrics"] for record in log.evals]
    return [figures for step, figures in printed(log.events, "held_out") if log.phase.covers_eval(step)]


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _players(log: RunLog) -> list[dict[str, Any]]:
    """Return the first and the final loss of each of those who take turns: one line through all would mix them."""
    loss = log.column("loss")
    own = ((player.name, loss[player.steps & np.isfinite(loss)]) for player in players(log))
    return [
        {"name": name, "first": float(losses[0]), "final": median(losses[-max(len(losses) // 10, 5) :])}
        for name, losses in own
        if losses.size
    ]


def _setting(log: RunLog, signals: SignalSource) -> dict[str, Any]:
    """Return the optimizer and its peak rate: what it was made with may be the first of a warm-up."""
    optimizer = main_optimizer(log)
    if not optimizer or not optimizer["groups"]:
        return {}
    loss = main_object(log, "loss") or {}
    rate = signals.get("lr_peak") or optimizer["groups"][0].get("lr")
    return {
        "optimizer": optimizer["class"],
        "lr": rate,
        "schedule": _schedule(log, signals),
        "loss_reduction": loss.get("reduction"),
    }


def _schedule(log: RunLog, signals: SignalSource) -> str:
    """Return the classes of the schedules, "by hand" where the rate changes without one, else "none"."""
    classes = [str(made.get("class")) for made in log.schedulers if made.get("class")]
    moved = signals.get("lr_first") != signals.get("lr_final")
    return " + ".join(dict.fromkeys(classes)) or ("by hand" if moved else "none")


def _workload(log: RunLog) -> dict[str, Any]:
    """Return what two runs must have in common to be compared: the model's shape and the size of the data."""
    loader = main_object(log, "loader") or {}
    model = log.model or {}
    shapes = [[layer["kind"] for layer in model.get("layers", [])], [p["shape"] for p in model.get("parameters", [])]]
    digest = hashlib.sha256(repr(shapes).encode()).hexdigest()[:12] if model else None
    size = sum(math.prod(p["shape"]) for p in model.get("parameters", []))
    return {
        "model_hash": digest,
        "parameters": size or None,
        "examples": loader.get("examples"),
        "workers": loader.get("workers"),
    }


# What recording cost as a part of the time, and the steps that it left out for that, by their names in the event.
_COST = (("overhead", "share"), ("left_out", "skipped"), ("overhead_budget", "budget"))


def _cost(log: RunLog) -> dict[str, Any]:
    """Return quantiles of the time of a step, and what recording cost."""
    seconds = log.column("seconds")
    seconds = seconds[np.isfinite(seconds)]
    known = quantiles(seconds, (0.5, 0.95, 0.99)) if seconds.size else [None] * 3
    times = {f"step_time_p{q}": value for q, value in zip((50, 95, 99), known, strict=True)}
    told = [event["detail"] for event in reversed(log.events) if event["kind"] == "overhead"]
    found = {name: next((d[key] for d in told if isinstance(d.get(key), int | float)), None) for name, key in _COST}
    whole = float(np.sum(seconds)) if seconds.size else None
    cost = found["overhead"] * whole if found["overhead"] is not None and whole is not None else None
    return {**times, **found, "overhead_seconds": cost}


def _curve(log: RunLog) -> list[list[float]]:
    """Return [step, median loss] of equal stretches; what is not finite is left out."""
    loss = log.column("loss")
    known = np.isfinite(loss)
    steps, loss = log.steps[known], loss[known]
    edges = np.linspace(0, loss.size, min(CURVE, loss.size) + 1).astype(int).tolist()
    stretches = pairwise(dict.fromkeys(edges))
    return [[int(steps[stop - 1]), float(f"{median(loss[start:stop]):.4g}")] for start, stop in stretches]
