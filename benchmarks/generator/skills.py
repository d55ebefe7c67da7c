"""Scores of a training that do not depend on its loss function; numpy only, never watched."""

from __future__ import annotations

import numpy as np


def skill(kind: str, outputs: np.ndarray, targets: np.ndarray) -> float:
    """Return 1 for perfect, 0 for what a constant prediction achieves."""
    if not np.isfinite(outputs).all():
        return -1.0
    value = SKILLS[kind](outputs.astype(float), targets)
    return float(np.clip(value, -1, 1))


def _classes(outputs: np.ndarray, targets: np.ndarray) -> float:
    chance = np.bincount(targets).max() / len(targets)
    return ((outputs.argmax(1) == targets).mean() - chance) / (1 - chance)


def _binary(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Twice the mean recall of the two classes, minus one."""
    said, true = (outputs > 0).ravel(), (targets > 0.5).ravel()
    return float((said[true].mean() if true.any() else 0) + (~said[~true]).mean() - 1)


def _ranked(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Twice the area under the ROC curve, minus one: the mean over the columns."""
    values = []
    for said, true in zip(outputs.T, targets.T > 0.5, strict=True):
        ranks = said.argsort().argsort()
        n = true.sum()
        area = (ranks[true].sum() - n * (n - 1) / 2) / (n * (len(true) - n))
        values.append(2 * area - 1)
    return float(np.mean(values))


def _values(outputs: np.ndarray, targets: np.ndarray) -> float:
    targets = targets.reshape(outputs.shape)
    return 1 - ((outputs - targets) ** 2).sum() / ((targets - targets.mean(0)) ** 2).sum()


def _counts(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Share of the Poisson deviance that is explained."""
    mean = np.exp(np.clip(outputs, -20, 20))
    return float(1 - _deviance(mean, targets) / _deviance(np.full_like(mean, targets.mean()), targets))


def _deviance(mean: np.ndarray, targets: np.ndarray) -> float:
    return float((targets * np.log(np.maximum(targets, 1e-9) / mean) - targets + mean).sum())


def _tokens(outputs: np.ndarray, targets: np.ndarray) -> float:
    """Nats gained over the frequencies of the words, as a share."""
    flat, true = outputs.reshape(-1, outputs.shape[-1]), targets.ravel()
    peak = flat.max(1, keepdims=True)
    loss = (np.log(np.exp(flat - peak).sum(1)) + peak[:, 0] - flat[np.arange(len(true)), true]).mean()
    p = np.bincount(true) / len(true)
    return 1 - loss / -(p[p > 0] * np.log(p[p > 0])).sum()


SKILLS = {
    "classes": _classes, "binary": _ranked, "labels": _ranked, "values": _values, "counts": _counts,
    "copy": _values, "tokens": _tokens,
}  # fmt: skip
