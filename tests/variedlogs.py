"""Logs of runs with something of everything, each value of them changed by chance: the same ones each time.

A value's chance depends on where it stands and on nothing else, so that what is added later changes no other value.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import random
from typing import TYPE_CHECKING, Any

import pytest
from builders import event
from goldenfiles import GOLDEN
from properties.test_fuzzed_signals import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Words that may stand for each other, by the key under which they stand.
WORDS = {
    "class": ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad"),
    "mode": ("eval", "train"),
    "reduction": ("mean", "sum", "none"),
    "phase": ("train", "eval"),
    "word": ("held-out", "training"),
    "over": ("batch", "classes"),
    "on": ("attention", "values"),
    "told_by": ("position_ids", "separators"),
}
LOSSES = ("cross_entropy", "mse_loss", "nll_loss", "binary_cross_entropy_with_logits", "l1_loss", "kl_div", "custom")
LAYERS = ("Linear", "Conv2d", "BatchNorm1d", "Embedding", "LSTM", "Dropout", "Sigmoid", "Tanh", "ReLU")
TALLY: dict[str, Any] = {
    "step_without_grad": 2, "stale_steps": 3, "clip_calls": 12, "zero_between_backward_and_step": 1,
    "eval_mode_train_forward": 4, "train_mode_eval_forward": 2, "clip_before_unscale": 2, "clips_before_step": 12,
    "clips_after_step": 3, "unscale_calls": 12, "scaler_steps": 12, "scaler_skips": 3, "scheduler_before_optimizer": 1,
    "accumulated_steps": 4, "cleared_backwards": 2, "graphless_backwards": 1, "scheduler_steps": {"0": 12},
    "accumulation": 2, "accumulation_divided": False, "manual_updates": False, "gradless_optimizers": 1,
}  # fmt: skip
GRAPH = {"opaque": False, "ops": ["MseLossBackward0", "SubBackward0", "PowBackward0", "MeanBackward0"],
         "parameters": [0, 1],
         "linear_layers": 2, "nonlinear_ops": 1, "output_activation": "softmax", "softmax_inputs": "softmax",
         "broadcast": [[32], [32, 1]]}  # fmt: skip
PREDICTED = {"row_sum_min": 1.0, "row_sum_max": 1.0, "nonnegative": True, "in_unit_interval": True, "classes": 4,
             "logsumexp_abs_max": 1e-6, "soft": False, "majority": 0.5, "histogram": [20, 10, 5, 5]}  # fmt: skip
LENGTHS = (12, 40, 90, 240)
CURVES: dict[str, Callable[[float, float], float]] = {
    "falling": lambda t, noise: 1.4 * math.exp(-3 * t) + 0.05 * noise,
    "flat": lambda _, noise: 1.38 + 0.02 * noise,
    "rising": lambda t, noise: 0.5 * math.exp(2 * t) + 0.05 * noise,
    "valley": lambda t, noise: 0.2 + 4 * (t - 0.4) ** 2 + 0.02 * noise,
    "jump": lambda t, noise: (9.0 if 0.5 < t < 0.55 else 1.0 - 0.5 * t) + 0.05 * noise,
    "noisy": lambda t, noise: 1.0 - 0.3 * t + 0.6 * noise,
    "steps": lambda t, noise: 1.0 - 0.25 * int(4 * t) + 0.01 * noise,
    "ending": lambda t, noise: math.nan if t > 0.8 else 1.0 - t + 0.05 * noise,
    "still": lambda _, __: 0.6931,
}
SOUND = ["falling", "flat", "valley", "steps"]


def varied(number: int) -> dict[str, Any]:
    """Return the parts of a log, as `build_log` takes them: of every three one of a sound run, two of faulty ones."""
    run, chance = copy.deepcopy(parts()), _chance(number, "run")
    often, courses = ((0.03, SOUND), (0.1, list(CURVES)), (0.25, list(CURVES)))[number % 3]
    length = chance.choice(LENGTHS)
    run["columns"] = _columns(number, length, courses)
    next(entry for entry in run["events"] if entry["kind"] == "tally")["detail"] = _passes(length)
    run["planned_steps"] = chance.choice([None, length, 10 * length])
    run["events"] = [entry for entry in [*run["events"], *_more_events(length)] if _stays(number, entry, often)]
    run["schedulers"] = [{"id": 0, "class": "StepLR", "optimizer": 0, "facts": {"step_size": 5, "gamma": 0.5}}]
    run |= {"device": "cuda", "threads": 4, "cores": 8, "world_size": 1, "rank": 0}
    for loss in run["losses"]:
        loss["prediction"] |= {name: value for name, value in PREDICTED.items() if chance.random() < 0.4}
        loss["target"] |= {"soft": True, "classes": 4, "min": 0.0, "max": 3.0} if chance.random() < 0.3 else {}
        loss["graph"] = copy.deepcopy(GRAPH) if chance.random() < 0.7 else None
    run["layers"] = _layers(number, length, courses)
    run["evals"] = _evals(number, length, courses)
    if chance.random() < 0.3:
        run["losses"] = run["losses"][:1]
    for place, holder, key in list(_leaves(run, "")):
        if place.startswith(("optimizers", "losses", "loaders", "models", "events", "planned", "schedulers")):
            _change(_chance(number, place), holder, key, often)
    if number % 5 == 4:  # what another program has logged
        run |= {"source": "import", **{name: [] for name in ("models", "losses", "optimizers", "layers", "events")}}
        kept = ("loss", "lr", "epoch", "accuracy", "grad_norm", "policy_entropy", "seconds")
        run["columns"] = {name: values for name, values in run["columns"].items() if name in kept}
    return run


def _chance(number: int, place: str) -> random.Random:
    return random.Random(f"{number} {place}")  # noqa: S311 - the same logs in each run


def _stays(number: int, entry: dict[str, Any], often: float) -> bool:
    rare = {"exception": often / 2, "interrupted": often / 2}
    share = {
        "table": 1.0,
        "inputs": 0.9,
        "tally": 0.0 if often < 0.1 and entry["subject"] else 1.0 - often,
        **rare,
    }.get(entry["kind"], 2 * often)
    return _chance(number, f"event {entry['kind']} {entry['subject']}").random() < share


def _more_events(length: int) -> list[dict[str, Any]]:
    crash = {"type": "RuntimeError", "message": "mat1 and mat2 shapes cannot be multiplied (4x400 and 288x2)",
             "layer": "c", "layer_form": "Linear(288, 2)", "layer_class": "Linear", "input_shape": "4 x 400",
             "raised_in": "torch.nn.functional", "torch_module": "torch.nn.modules.linear"}  # fmt: skip
    return [
        event("tally", TALLY | _passes(length), "faults"),
        event("exception", crash, step=length), event("interrupted", {"step": length}),
        event("codebook", {"parameter": 0, "entries": 64, "looks": 9, "chosen": 640, "used": 3, "even": False}),
        event("mixed-reductions", {"averaged": "mse_loss", "summed": "kl_div", "per_batch": 32, "times": 32.0}),
        event("resume", {"optimizer": False, "loss": 0.4}, step=length // 2),
    ]  # fmt: skip


def _passes(length: int) -> dict[str, int]:
    return dict.fromkeys(("forward", "train_forward", "backward", "step", "zero_grad"), length)


def _columns(number: int, length: int, courses: list[str]) -> dict[str, Any]:
    """Return a loss of one of the shapes above, and of the other columns some, each with a course of its own."""

    def course(name: str, scale: float = 1.0, gaps: float = 0.0) -> list[float | None]:
        chance = _chance(number, f"column {name}")
        curve = CURVES[chance.choice(courses)]
        values = [scale * curve(step / length, chance.gauss(0, 1)) for step in range(length)]
        return [_rounded(value) if chance.random() >= gaps else None for value in values]

    chance = _chance(number, "columns")
    columns: dict[str, Any] = {
        "loss": course("loss"), "loss_id": 0, "opt": [[0]] * length, "grad_norm": course("grad_norm", 2.0, 0.2),
        "lr": 0.1 if courses is SOUND else course("lr", 0.1), "batch": chance.choice([1, 8, 32]),
        "micro": chance.choice([1, 1, 4]),
        "seconds": course("seconds", 0.01), "epoch": [8 * step // length for step in range(length)],
    }  # fmt: skip
    further: dict[str, Callable[[], Any]] = {
        "wait": lambda: course("wait", 0.004), "memory": lambda: course("memory", 300.0, 0.5),
        "memory_peak": lambda: course("memory_peak", 400.0, 0.5), "own": lambda: course("own", 0.008),
        "clip_norm": lambda: course("clip_norm", 3.0), "clip_max": lambda: chance.choice([0.1, 1.0, 1e-4]),
        "clip_value": lambda: 0.5, "scale": lambda: course("scale", 1024.0),
        "accuracy": lambda: course("accuracy", 0.4, 0.3), "part": lambda: course("loss", 0.9), "part_id": lambda: 1,
        "policy_ratio": lambda: course("policy_ratio"), "policy_ratio_far": lambda: course("policy_ratio_far", 0.3),
        "policy_entropy": lambda: course("policy_entropy"), "policy_likeliest": lambda: course("likeliest", 0.9),
        "value_explained_variance": lambda: course("variance", 0.5), "factor_zero": lambda: course("factor_zero"),
        "preference_margin": lambda: course("margin"), "preference_beta": lambda: 0.1,
        "stale": lambda: [chance.random() < 0.5 for _ in range(length)],
        "no_grad": lambda: [chance.random() < 0.2 for _ in range(length)],
        "skipped": lambda: [chance.random() < 0.2 for _ in range(length)],
        "mode": lambda: chance.choice(["train", "eval"]),
    }  # fmt: skip
    return columns | {name: made() for name, made in further.items() if chance.random() < 0.25}


def _rounded(value: float) -> float:
    """Return four digits: what the libraries of machines differ in is further behind."""
    return value if math.isnan(value) else float(f"{value:.4g}")


def _layers(number: int, length: int, courses: list[str]) -> list[dict[str, Any]]:
    """Return samples of three layers and four parameters; `layers` records count from step 0."""

    def measured(name: str, count: int, scale: float) -> list[list[float]]:
        made = []
        for place in range(count):
            chance = _chance(number, f"layers {name} {place}")
            curve, size = (
                CURVES[chance.choice(courses)],
                scale * 10 ** chance.choice([0] if courses is SOUND else [-3, -1, 0, 0, 0, 1]),
            )
            made.append([_rounded(abs(size * curve(step / 12, chance.gauss(0, 1)))) for step in range(12)])
        return made

    chance = _chance(number, "layers")
    kept = [name for name in ("spread", "std", "rms", "max", "mean", "zero", "dead", "saturated", "nonfinite")
            if chance.random() < 0.7]  # fmt: skip
    columns = {f"act_{name}": measured(name, 3, 0.5) for name in kept}
    columns |= {name: measured(name, 4, scale) for name, scale in (("grad", 1.0), ("weight", 2.0), ("update", 0.01))}
    rows = [{name: [course[step] for course in given] for name, given in columns.items()} for step in range(12)]
    return [{"step": step * length // 12, "table": 0, "alpha": _rounded(chance.gauss(0.8, 1)), **row}
            for step, row in enumerate(rows)]  # fmt: skip


def _evals(number: int, length: int, courses: list[str]) -> list[dict[str, Any]]:
    chance = _chance(number, "evals")
    if chance.random() < 0.2:
        return []
    curve, score = (CURVES[chance.choice(courses)] for _ in range(2))
    steps = range(max(1, length // 9), length + 1, max(1, length // chance.choice([4, 9, 12])))
    losses = [_rounded(chance.choice([1.0, 1.0, 2.0]) * curve(step / length, chance.gauss(0, 0.3))) for step in steps]
    more = {"examples": chance.choice([9, 99, 9999]), "batches": 3, "mode": chance.choice(["eval", "eval", "train"]),
            "care": chance.random() < 0.7}  # fmt: skip
    return [
        {"step": step, "epoch": place, "loss": loss, "losses": {"0": loss}, **more,
         "metrics": {"accuracy": _rounded(0.5 * score(step / length, 0.0))}}
        for place, (step, loss) in enumerate(zip(steps, losses, strict=True))
    ]  # fmt: skip


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield each value that holds no other, with where it stands."""
    if isinstance(value, dict):
        items = [(f"{place}.{key}", key, inner) for key, inner in value.items()]
    else:
        names = [f"{e['kind']} {e['subject']}" if isinstance(e, dict) and "subject" in e else n
                 for n, e in enumerate(value)]  # fmt: skip
        items = [(f"{place}.{name}", key, inner) for (key, inner), name in zip(enumerate(value), names, strict=True)]
    for where, key, inner in items:
        if isinstance(inner, (dict, list)) and inner:
            yield from _leaves(inner, where.removeprefix("."))
        else:
            yield where.removeprefix("."), value, key


def _change(chance: random.Random, holder: Any, key: Any, often: float) -> None:
    """Change one value in one of the ways that its type has, mostly in none."""
    value = holder[key]
    if key in ("id", "record", "step", "subject", "table", "model") or chance.random() > often:
        return
    if isinstance(value, bool):
        holder[key] = not value
    elif isinstance(value, int):
        holder[key] = chance.choice([0, 1, value + 1, max(value - 1, 0), 2 * value, 10 * value])
    elif isinstance(value, float):
        holder[key] = chance.choice([0.0, 1.0, value / 2, 2 * value, -value, value / 10, value * 10])
    elif isinstance(value, str):
        words = (
            LOSSES
            if value in LOSSES
            else LAYERS
            if value in LAYERS
            else WORDS.get(key, ())
            if isinstance(key, str)
            else ()
        )
        holder[key] = chance.choice(words) if words else value
    elif value is None and isinstance(holder, dict) and chance.random() < 0.2:
        del holder[key]


def told(value: Any) -> Any:
    """Return a value as it is kept: numbers to six digits, sets in order, nothing that is empty."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            return float(f"{value:.6g}") if math.isfinite(value) else str(value)
        case dict():
            return {str(key): told(inner) for key, inner in value.items() if inner not in (None, (), [], {})}
        case list() | tuple():
            return [told(inner) for inner in value]
    if dataclasses.is_dataclass(value):
        return told({part.name: getattr(value, part.name) for part in dataclasses.fields(value)})
    return str(value)


def hold_line(name: str, key: str, made: Any) -> None:
    """Compare with one line of a golden file; one that is missing is added: read it, and run the test again."""
    path = GOLDEN / name
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if key not in known:
        known[key] = made
        lines = (f"{json.dumps(k)}: {json.dumps(known[k], ensure_ascii=False)}" for k in sorted(known))
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        pytest.fail(f"{key} was missing in {name} and is written now; read it")
    assert made == known[key]
