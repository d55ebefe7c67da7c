"""How the model was built: initial weights, norm layers, dropout."""

from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import matrix_facts, typical

WEIGHTS = {"needs": "the initial weights of the model", "zh": "模型的初始权重"}
LAYERS = {"needs": "the layers of the model", "zh": "模型的各层信息"}
CONSTANT = 1e-6  # standard deviation over RMS below which all weights of a matrix are equal
FEWEST = 16  # fewest weights whose standard deviation is a reliable scale
NORMS = ("BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm", "RMSNorm", "LocalResponseNorm")


def _fresh(log: RunLog) -> list[dict[str, Any]]:
    """Return the weight matrices that start from random initialization: not loaded, not trained before."""
    known = [facts for facts in matrix_facts(log) if facts["init_std"] is not None]
    return [facts for facts in known if not facts.get("loaded") and not facts.get("earlier")]


def _gains(log: RunLog) -> Floats:
    """Return init_std * sqrt(fan_in) of each random matrix: the factor by which it scales independent inputs.

    One whose weights are all equal has no scale; an output layer that starts at zero is as good as any.
    """
    sized = [facts for facts in _fresh(log) if facts["fan_in"] and facts["count"] >= FEWEST and not _constant(facts)]
    return np.array([facts["init_std"] * np.sqrt(facts["fan_in"]) for facts in sized], dtype=np.float64)


@signal(unit="gain", **WEIGHTS)
def init_gain_median(log: RunLog) -> float | None:
    """Median over fresh weight matrices of init_std * sqrt(fan_in): PyTorch 0.58, Glorot about 1, He 1.41."""
    return typical(_gains(log))


@signal(unit="gain", **WEIGHTS)
def init_gain_max(log: RunLog) -> float | None:
    """Largest init_std * sqrt(fan_in) of a fresh weight matrix."""
    gains = _gains(log)
    return float(gains.max()) if gains.size else None


def _constant(facts: dict[str, Any]) -> bool:
    return bool(facts["init_std"] <= CONSTANT * (facts["init_rms"] or 0.0) and facts["count"] > 1)


def _constant_run(log: RunLog) -> list[str]:
    """Return the longest run of successive weight matrices whose entries are all equal."""
    best: list[str] = []
    current: list[str] = []
    for facts in _fresh(log):
        current = [*current, str(facts["name"])] if _constant(facts) else []
        best = max(best, current, key=len)
    return best


def _tables(log: RunLog) -> list[dict[str, Any]]:
    """Return the fresh embeddings with several columns, which only their initial values distinguish."""
    rows = [facts for facts in log.layers.rows() if facts["role"] == "embedding" and facts["trainable"]]
    known = [f for f in rows if f.get("init_std") is not None and not f.get("loaded") and not f.get("earlier")]
    return [f for f in known if len(f["shape"]) > 1 and f["shape"][1] > 1]


def _constant_together(log: RunLog) -> list[str]:
    tables = [str(facts["name"]) for facts in _tables(log) if _constant(facts)]
    return max(_constant_run(log), tables, key=len)


@signal(unit="matrices", **WEIGHTS)
def constant_matrices(log: RunLog) -> int | None:
    """Longest run of successive weight matrices, or number of embeddings, whose entries all start equal.

    A single one does not break a training.
    """
    return len(_constant_together(log)) if _fresh(log) or _tables(log) else None


@signal(unit="names", **WEIGHTS)
def constant_layers(log: RunLog) -> list[str] | None:
    """Successive weight matrices whose entries all start equal."""
    return _constant_together(log) or None


@signal(unit="truth", **LAYERS)
def has_norm_layers(log: RunLog) -> bool | None:
    """Whether the model has batch, layer, group or other norm layers."""
    return any(layer["kind"].startswith(NORMS) for layer in log.model["layers"]) if log.model else None


@signal(unit="truth", **LAYERS)
def has_batch_norm(log: RunLog) -> bool | None:
    """Whether the model has batch-norm layers."""
    return any("BatchNorm" in layer["kind"] for layer in log.model["layers"]) if log.model else None


@signal(unit="truth", **LAYERS)
def has_attention(log: RunLog) -> bool | None:
    """Whether the model has attention, according to its layers or its activation table."""
    kinds = [str(layer["kind"]) for layer in log.model["layers"]] if log.model else []
    rows = [str(row.get("kind")) for row in log.layers.rows("act")]
    return any("attention" in kind.lower() for kind in [*kinds, *rows]) if log.model else None


@signal(unit="probability", **LAYERS, about="no-dropout")
def dropout_max(log: RunLog) -> float | None:
    """Largest dropout probability of the model, 0 without dropout."""
    if not log.model:
        return None
    rates = [layer["facts"].get("p") for layer in log.model["layers"] if "Dropout" in layer["kind"]]
    return float(max((rate for rate in rates if isinstance(rate, (int, float))), default=0.0))


@signal(unit="names", **LAYERS)
def dropout_layers(log: RunLog) -> list[str] | None:
    """Layers with the largest dropout probability of the model."""
    layers = log.model["layers"] if log.model else []
    dropping = [layer for layer in layers if "Dropout" in layer["kind"]]
    return [layer["name"] for layer in dropping if layer["facts"].get("p") == dropout_max(log)] or None
