"""Healthy trainings, drawn at random from common choices of task, network, optimizer, schedule, regularization."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

Spec = dict[str, Any]

# Each family has a share, tasks, architectures and lengths.
FAMILIES: dict[str, tuple[int, list[str], list[str], list[int]]] = {
    "tabular": (6, ["tabular", "tabular", "moons", "rings"], ["mlp"], [200, 400, 400, 800, 1500]),
    "small": (3, ["cancer", "wine"], ["mlp", "linear"], [100, 200, 400]),
    "imbalanced": (2, ["imbalanced"], ["mlp"], [300, 600, 1000]),
    "labels": (1, ["multilabel"], ["mlp", "cnn"], [300, 500]),
    "regression": (6, ["friedman", "friedman", "sine", "diabetes", "counts"], ["mlp"], [200, 400, 400, 800, 1500]),
    "linear": (2, ["linear"], ["linear", "mlp"], [200, 500, 1000]),
    "images": (8, ["digits", "digits", "shapes"], ["mlp", "cnn", "cnn", "resnet"], [150, 300, 450]),
    "sequences": (5, ["waves", "markers"], ["lstm", "gru", "transformer", "rnn", "conv1d"], [150, 300, 500]),
    "language": (4, ["markov", "text"], ["lstm", "gru", "transformer"], [200, 400, 600]),
    "copy": (3, ["manifold", "copies"], ["autoencoder"], [300, 600, 1000]),
    "ratings": (2, ["ratings"], ["factors"], [400, 800, 1500]),
    "finetune": (2, ["digits"], ["mlp", "cnn"], [150, 300]),
    "vae": (1, ["copies"], ["mlp"], [400, 800]),
    "gan": (1, ["gan"], ["mlp"], [600, 1000]),
    "policy": (1, ["policy"], ["mlp"], [300, 450]),
    "metric": (1, ["digits"], ["mlp"], [200, 400]),
    "diffusion": (1, ["diffusion"], ["mlp"], [500, 1000]),
    "distill": (1, ["digits"], ["mlp"], [200, 400]),
    "likelihood": (1, ["friedman", "sine"], ["mlp"], [400, 800]),
}
LOOPS = {"vae", "gan", "policy", "metric", "diffusion", "distill", "likelihood"}
RATES = {"sgd": 0.2, "momentum": 0.04, "nesterov": 0.04, "adam": 3e-3, "adamw": 3e-3, "rmsprop": 1.5e-3}
DEEP = {"transformer": 0.4, "resnet": 0.7, "rnn": 0.6, "factors": 3.0}
SIZES = {"cancer": 450, "wine": 140, "diabetes": 350, "digits": 1400, "multilabel": 1400, "copies": 1400}


def identity(spec: Spec) -> str:
    """Return the hash that names a specification."""
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:12]


def split(spec: Spec) -> str:
    """Return tune or held-out; a training and its faulty variants fall on the same side."""
    base = spec.get("base", identity(spec))
    return "held-out" if int(base, 16) % 5 < 2 else "tune"


def draw(number: int) -> Spec:
    """Draw the healthy training with this number."""
    rng = np.random.default_rng([7, number])
    weights = np.array([family[0] for family in FAMILIES.values()], float)
    name = str(rng.choice(list(FAMILIES), p=weights / weights.sum()))
    _, names, archs, steps = FAMILIES[name]
    spec: Spec = {
        "family": name,
        "task": str(rng.choice(names)),
        "arch": _arch(rng, name, archs),
        "steps": int(rng.choice(steps)),
    }
    if spec["task"] == "waves" and spec["arch"] == "rnn":
        spec["arch"] = "gru"
    if spec["task"] == "markers" and spec["arch"] == "conv1d":
        spec["arch"] = "transformer"
    spec["loop"] = name if name in LOOPS else "supervised"
    spec.update(_network(rng, spec), **_learning(rng, spec), **_regularization(rng, spec), **_habits(rng, spec))
    if name in SPECIAL:
        SPECIAL[name](rng, spec)
    if spec["arch"] in ("cnn", "resnet", "transformer", "lstm", "gru"):
        spec["batch"] = min(spec["batch"], 64)
    if spec["n"] < 10 * spec["batch"]:
        spec["accumulate"] = 1
    return spec


def _arch(rng: np.random.Generator, family: str, archs: list[str]) -> str:
    return str(rng.choice(archs)) if family != "small" else str(rng.choice(archs, p=[0.6, 0.4]))


def _network(rng: np.random.Generator, spec: Spec) -> Spec:
    arch, task = spec["arch"], spec["task"]
    depth = 0 if arch == "linear" else int(rng.choice([1, 2, 2, 3]))
    act = str(rng.choice(["relu", "relu", "relu", "tanh", "gelu", "leaky", "silu", "elu"]))
    norm = arch in ("mlp", "cnn") and bool(rng.random() < 0.3)
    deep = {
        "cnn": [16, 24],
        "resnet": [24],
        "transformer": [32, 48],
        "factors": [24, 48],
        "lstm": [32, 64],
        "gru": [32, 64],
    }
    width = int(rng.choice(deep.get(arch, [32, 64, 128])))
    size = SIZES.get(task, int(rng.choice([800, 1500, 3000])))
    small = rng.random() < 0.1  # a validation set too small to be conclusive
    return {
        "depth": depth, "act": act, "norm": norm, "width": width, "n": size,
        "n_val": 25 if small else min(300, max(size // 4, 35)), "data_seed": int(rng.integers(3)),
    }  # fmt: skip


def _learning(rng: np.random.Generator, spec: Spec) -> Spec:
    names = ["sgd", "momentum", "nesterov", "adam", "adam", "adam", "adamw", "adamw", "rmsprop"]
    hard = spec["arch"] in ("transformer", "lstm", "gru", "rnn", "factors") or spec["family"] in (
        "language",
        "copy",
        "vae",
    )
    opt = str(rng.choice([n for n in names if not hard or n not in ("sgd", "momentum", "nesterov")]))
    rate = RATES[opt] * DEEP.get(spec["arch"], 1.0) * float(2 ** rng.uniform(-1, 1))
    if spec["arch"] == "linear":
        rate *= 3 if opt in ("adam", "adamw", "rmsprop") else 1
    schedules = [
        "constant",
        "constant",
        "constant",
        "cosine",
        "cosine_epoch",
        "step",
        "onecycle",
        "warmup",
        "warmup_cosine",
        "plateau",
    ]
    return {
        "opt": opt, "lr": float(f"{rate:.2g}"), "schedule": str(rng.choice(schedules)),
        "batch": int(rng.choice([8, 16, 32, 32, 64, 64, 128])),
        "weight_decay": float(rng.choice([0, 0, 0, 1e-4, 1e-3] if opt != "adamw" else [1e-2, 1e-2, 5e-2])),
    }  # fmt: skip


def _regularization(rng: np.random.Generator, spec: Spec) -> Spec:
    extra: Spec = {"dropout": float(rng.choice([0, 0, 0, 0.1, 0.2, 0.4])), "accumulate": int(rng.choice([1] * 8 + [4]))}
    if spec["family"] in ("regression", "linear", "copy"):
        extra["dropout"] = 0.0
    if rng.random() < 0.2 or (spec["arch"] in ("lstm", "gru", "rnn", "transformer") and rng.random() < 0.5):
        extra["clip"] = float(rng.choice([0.25, 1.0, 5.0]))
    if rng.random() < 0.06:
        extra["ema"] = True
    if rng.random() < 0.15:
        extra["smooth"] = 0.1
    if spec["family"] in ("images", "tabular") and rng.random() < 0.2:
        extra["augment"] = True
    return extra


def _habits(rng: np.random.Generator, _: Spec) -> Spec:
    return {
        "zero": str(rng.choice(["before", "before", "after"])),
        "pretrain": 0,
        "evaluations": int(rng.choice([1, 5, 10, 20, 20])),
        "seed": int(rng.integers(10_000)), "fault": None,
    }  # fmt: skip


def _imbalanced(rng: np.random.Generator, spec: Spec) -> None:
    spec["n"], spec["n_val"] = 3000, 600
    if rng.random() < 0.5:
        spec["pos_weight"] = float(rng.choice([3.0, 10.0]))


def _finetune(rng: np.random.Generator, spec: Spec) -> None:
    spec.update(
        pretrain=int(rng.choice([100, 200])), frozen=bool(rng.random() < 0.6), ema=False, dropout=0.0, norm=False
    )


def _gan(rng: np.random.Generator, spec: Spec) -> None:
    spec.update(lr=float(rng.choice([5e-4, 1e-3])), batch=64, width=64, opt="adam")


def _policy(_: np.random.Generator, spec: Spec) -> None:
    spec.update(opt="adam", lr=5e-3, batch=1, weight_decay=0.0)


def _metric(rng: np.random.Generator, spec: Spec) -> None:
    spec.update(task_loss=str(rng.choice(["triplet", "infonce"])), batch=48)


def _adaptive(_: np.random.Generator, spec: Spec) -> None:
    if spec["opt"] in ("sgd", "momentum", "nesterov"):
        spec.update(opt="adam", lr=2e-3)
    spec.update(dropout=0.0)


SPECIAL = {
    "imbalanced": _imbalanced, "finetune": _finetune, "gan": _gan, "policy": _policy, "metric": _metric,
    "diffusion": _adaptive, "likelihood": _adaptive, "vae": _adaptive,
}  # fmt: skip
