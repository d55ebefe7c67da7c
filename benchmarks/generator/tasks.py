"""Data of the generated trainings: small, seeded, made here or shipped with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn import datasets

Arrays = tuple[np.ndarray, np.ndarray]
Maker = Callable[[np.random.Generator, int], Arrays]


@dataclass
class Task:
    """What a training learns: `kind` says what the targets are."""

    kind: str  # classes, binary, labels, values, counts, copy, tokens
    x: torch.Tensor
    y: torch.Tensor
    x_val: torch.Tensor
    y_val: torch.Tensor
    outputs: int
    vocabulary: int = 0


def _tabular(rng: np.random.Generator, n: int) -> Arrays:
    seed = int(rng.integers(1000))
    return datasets.make_classification(n, 20, n_informative=8, n_classes=4, class_sep=1.6, random_state=seed)


def _imbalanced(rng: np.random.Generator, n: int) -> Arrays:
    seed = int(rng.integers(1000))
    return datasets.make_classification(n, 12, n_informative=6, weights=[0.94], class_sep=1.4, random_state=seed)


def _rings(rng: np.random.Generator, n: int) -> Arrays:
    return datasets.make_circles(n, noise=0.08, factor=0.5, random_state=int(rng.integers(1000)))


def _moons(rng: np.random.Generator, n: int) -> Arrays:
    return datasets.make_moons(n, noise=0.15, random_state=int(rng.integers(1000)))


def _cancer(rng: np.random.Generator, n: int) -> Arrays:
    return _drawn(rng, n, *datasets.load_breast_cancer(return_X_y=True))


def _wine(rng: np.random.Generator, n: int) -> Arrays:
    return _drawn(rng, n, *datasets.load_wine(return_X_y=True))


def _diabetes(rng: np.random.Generator, n: int) -> Arrays:
    return _drawn(rng, n, *datasets.load_diabetes(return_X_y=True))


def _digits(rng: np.random.Generator, n: int) -> Arrays:
    x, y = _drawn(rng, n, *datasets.load_digits(return_X_y=True))
    return x.reshape(-1, 1, 8, 8) / 16.0, y


def _drawn(rng: np.random.Generator, n: int, x: np.ndarray, y: np.ndarray) -> Arrays:
    order = rng.permutation(len(x))[:n]
    return x[order], y[order]


def _multilabel(rng: np.random.Generator, n: int) -> Arrays:
    x, y = _digits(rng, n)
    return x, np.stack([y % 2, y > 4, np.isin(y, [0, 6, 8, 9]), np.isin(y, [1, 4, 7])], 1).astype(float)


def _shapes(rng: np.random.Generator, n: int) -> Arrays:
    """Bars across, bars down, diagonals and squares in noisy color pictures of 12 x 12."""
    y, x = rng.integers(0, 4, n), 0.35 * rng.standard_normal((n, 3, 12, 12))
    for image, kind in zip(x, y, strict=True):
        i, j, color = rng.integers(1, 6), rng.integers(1, 6), rng.uniform(0.5, 1.5, (3, 1))
        steps = np.arange(6)
        rows, columns = [(i, j + steps), (i + steps, j), (i + steps, j + steps), (i + steps % 3, j + steps // 2)][kind]
        image[:, rows, columns] += color
    return x, y


def _friedman(rng: np.random.Generator, n: int) -> Arrays:
    return datasets.make_friedman1(n, 10, noise=1.0, random_state=int(rng.integers(1000)))


def _linear(rng: np.random.Generator, n: int) -> Arrays:
    return datasets.make_regression(n, 15, n_informative=10, noise=20.0, random_state=int(rng.integers(1000)))


def _sine(rng: np.random.Generator, n: int) -> Arrays:
    x = rng.uniform(-2, 2, (n, 1))
    return x, np.sin(3 * x[:, 0]) + 0.1 * rng.standard_normal(n)


def _counts(rng: np.random.Generator, n: int) -> Arrays:
    x = rng.standard_normal((n, 8))
    return x, rng.poisson(np.exp(0.5 + 0.6 * x[:, 0] * (x[:, 1] > 0) - 0.4 * x[:, 2])).astype(float)


def _waves(rng: np.random.Generator, n: int) -> Arrays:
    y, time = rng.integers(0, 3, n), np.arange(24)[None]
    phase, speed = rng.uniform(0, 6, (n, 1)), np.array([0.3, 0.6, 1.1])[y][:, None]
    wave = np.stack([np.sin(speed * time + phase), np.cos(speed * time + phase)], 2)
    return wave * rng.uniform(0.6, 1.4, (n, 1, 1)) + 0.4 * rng.standard_normal((n, 24, 2)), y


def _markers(rng: np.random.Generator, n: int) -> Arrays:
    """Sequences of words in which one of four marker words determines the class."""
    x, y = rng.integers(4, 16, (n, 16)), rng.integers(0, 4, n)
    x[np.arange(n), rng.integers(0, 16, n)] = y
    return x, y


def _markov(rng: np.random.Generator, n: int) -> Arrays:
    table = rng.dirichlet(np.full(16, 0.15), 16).cumsum(1)
    x = np.zeros((n, 21), int)
    x[:, 0] = rng.integers(0, 16, n)
    for t in range(1, 21):
        x[:, t] = (table[x[:, t - 1]] < rng.random((n, 1))).sum(1).clip(0, 15)
    return x[:, :-1], x[:, 1:]


def _text(rng: np.random.Generator, n: int) -> Arrays:
    """English letters: Python's own help texts."""
    from pydoc_data import topics

    words = " ".join(" ".join(topics.topics[key].lower().split()) for key in sorted(topics.topics))
    letters = [ord(c) - 96 if c.isalpha() and c.isascii() else 0 for c in words]
    starts = rng.integers(0, len(letters) - 33, n)
    x = np.array(letters)[starts[:, None] + np.arange(33)]
    return x[:, :-1], x[:, 1:]


def _ratings(rng: np.random.Generator, n: int) -> Arrays:
    people, things = rng.standard_normal((60, 3)), rng.standard_normal((40, 3))
    x = np.stack([rng.integers(0, 60, n), rng.integers(0, 40, n)], 1)
    return x, 3.5 + (people[x[:, 0]] * things[x[:, 1]]).sum(1) / 1.7 + 0.3 * rng.standard_normal(n)


def _manifold(rng: np.random.Generator, n: int) -> Arrays:
    inner = np.tanh(rng.standard_normal((n, 4)) @ rng.standard_normal((4, 16)))
    x = inner @ rng.standard_normal((16, 24)) / 4 + 0.05 * rng.standard_normal((n, 24))
    return x, x


def _copies(rng: np.random.Generator, n: int) -> Arrays:
    x, _ = _digits(rng, n)
    return x, x


# name: (maker, kind of target, number of outputs, number of words)
TASKS: dict[str, tuple[Maker, str, int, int]] = {
    "tabular": (_tabular, "classes", 4, 0),
    "imbalanced": (_imbalanced, "binary", 1, 0),
    "rings": (_rings, "binary", 1, 0),
    "moons": (_moons, "classes", 2, 0),
    "cancer": (_cancer, "binary", 1, 0),
    "wine": (_wine, "classes", 3, 0),
    "digits": (_digits, "classes", 10, 0),
    "shapes": (_shapes, "classes", 4, 0),
    "multilabel": (_multilabel, "labels", 4, 0),
    "friedman": (_friedman, "values", 1, 0),
    "linear": (_linear, "values", 1, 0),
    "diabetes": (_diabetes, "values", 1, 0),
    "sine": (_sine, "values", 1, 0),
    "counts": (_counts, "counts", 1, 0),
    "waves": (_waves, "classes", 3, 0),
    "markers": (_markers, "classes", 4, 16),
    "markov": (_markov, "tokens", 16, 16),
    "text": (_text, "tokens", 27, 27),
    "ratings": (_ratings, "values", 1, 60),
    "manifold": (_manifold, "copy", 24, 0),
    "copies": (_copies, "copy", 64, 0),
}
SCALED = {"tabular", "imbalanced", "cancer", "wine", "friedman", "linear", "diabetes"}


def build(spec: dict[str, Any]) -> Task:
    """Make the data of a specification and split it; columns and targets are of order one."""
    maker, kind, outputs, vocabulary = TASKS[spec["task"]]
    rng = np.random.default_rng(spec.get("data_seed", 0))
    x, y = maker(rng, spec["n"] + spec["n_val"])
    cut = min(spec["n"], int(0.8 * len(x)))
    x, y = _standard(spec["task"], kind, x, y, cut)
    whole = np.issubdtype(x.dtype, np.integer)
    inputs = torch.tensor(x, dtype=torch.long if whole else torch.float32)
    targets = _targets(kind, y)
    last = cut + spec["n_val"]
    return Task(kind, inputs[:cut], targets[:cut], inputs[cut:last], targets[cut:last], outputs, vocabulary)


def _standard(task: str, kind: str, x: np.ndarray, y: np.ndarray, cut: int) -> Arrays:
    if task in SCALED:
        x = (x - x[:cut].mean(0)) / (x[:cut].std(0) + 1e-8)
    if kind == "values":
        y = (y - y[:cut].mean()) / y[:cut].std()
    return x, y


def _targets(kind: str, y: np.ndarray) -> torch.Tensor:
    if kind in ("classes", "tokens"):
        return torch.tensor(y, dtype=torch.long)
    values = torch.tensor(y, dtype=torch.float32)
    return values[:, None] if kind in ("binary", "values", "counts") else values
