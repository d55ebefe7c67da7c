"""Activations: dead units, saturated units, and how signals change over the depth of the network."""

from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.batch_examples import spread_known
from trainadvisor.signals.matrices import early, late, per_layer_factor, row_medians, typical
from trainadvisor.signals.robust_statistics import finite

NEEDS = {"needs": "activation statistics of each layer on sampled steps", "zh": "采样步上各层的激活统计"}
RECTIFIERS = frozenset({"relu", "relu6"})
SATURATING = frozenset({"tanh", "sigmoid", "hardtanh", "hardsigmoid", "softsign"})
SMOOTH = frozenset({"gelu", "silu", "leaky_relu", "elu", "selu", "softplus", "mish", "prelu", "hardswish"})
NONLINEAR = RECTIFIERS | SATURATING | SMOOTH
MIXING = frozenset({"linear", "conv", "rnn", "attention"})  # rows that apply weights
DEAD = 0.5  # share of units above which a layer is listed and counts for the onset


def rows_of(log: RunLog, kinds: frozenset[str], *, hidden: bool = False) -> list[int]:
    """Return table rows of some kinds; hidden ones are followed by a layer with weights."""
    rows = log.layers.rows("act")
    last = max((place for place, row in enumerate(rows) if row.get("kind") in MIXING), default=-1)
    return [place for place, row in enumerate(rows) if row.get("kind") in kinds and (not hidden or place < last)]


def act(log: RunLog, column: str, rows: list[int]) -> Floats:
    """Return samples x chosen rows of an activation column, nan where it is not finite."""
    values = log.layers.column(column)
    blind = column == "act_spread" and not spread_known(log)
    chosen = values[:, rows] if values.size and not blind else np.full((len(values), len(rows)), np.nan)
    return np.where(np.isfinite(chosen), chosen, np.nan)


def _window(log: RunLog, column: str, rows: list[int], part: Any) -> Floats:
    """Return the median over the early or late samples, one number per row."""
    values = act(log, column, rows)[part(log, log.layers.steps_of(column))]
    return np.asarray(row_medians(values.T) if values.size else np.empty(0), dtype=np.float64)


def _named(log: RunLog, rows: list[int], values: Floats) -> dict[str, float] | None:
    names = log.layers.names("act")
    return dict(zip([names[row] for row in rows], values.tolist(), strict=True)) if values.size else None


def _mean(values: dict[str, float] | None) -> float | None:
    known = finite(np.array(list((values or {}).values()), dtype=np.float64))
    return float(known.mean()) if known.size else None


def _most(values: dict[str, float] | None) -> float | None:
    known = finite(np.array(list((values or {}).values()), dtype=np.float64))
    return float(known.max()) if known.size else None


def _without(log: RunLog) -> float | None:
    """Return the share of faulty units in a model without such units: 0 if its layers are known."""
    return 0.0 if log.layers.rows("act") else None


@signal(unit="word", **NEEDS)
def hidden_activation(log: RunLog) -> str | None:
    """Non-linearity that most hidden layers use, "none" without any."""
    rows = log.layers.rows("act")
    kinds = [str(rows[place]["kind"]) for place in rows_of(log, NONLINEAR, hidden=True)]
    return max(sorted(set(kinds)), key=kinds.count) if kinds else ("none" if rows else None)


@signal(unit="share of the units", **NEEDS)
def dead_by_layer(log: RunLog) -> dict[str, float] | None:
    """Share of the units of each ReLU layer that were zero on every recent example (late in the run)."""
    rows = rows_of(log, RECTIFIERS)
    return _named(log, rows, _window(log, "act_dead", rows, late))


@signal(unit="share of the units", **NEEDS, about="no-rectifiers")
def dead_unit_share(log: RunLog) -> float | None:
    """Mean over ReLU layers of the share of dead units late in the run, 0 without such layers."""
    return _mean(dead_by_layer(log)) if rows_of(log, RECTIFIERS) else _without(log)


@signal(unit="share of the units", **NEEDS, about="no-rectifiers")
def dead_unit_share_worst(log: RunLog) -> float | None:
    """Largest share of dead units of a ReLU layer late in the run, 0 without such layers."""
    return _most(dead_by_layer(log)) if rows_of(log, RECTIFIERS) else _without(log)


@signal(unit="names", **NEEDS)
def dead_layers(log: RunLog) -> list[str] | None:
    """ReLU layers in which more than half of the units are dead late in the run."""
    return [name for name, share in (dead_by_layer(log) or {}).items() if share > DEAD] or None


@signal(unit="step", **NEEDS)
def dead_onset(log: RunLog) -> int | None:
    """First sampled step at which more than half of the units of some ReLU layer are dead."""
    values = act(log, "act_dead", rows_of(log, RECTIFIERS))
    found = np.flatnonzero(np.any(values > DEAD, axis=1)) if values.size else np.empty(0, dtype=np.int64)
    return int(log.layers.steps_of("act_dead")[found[0]]) if found.size else None


@signal(unit="share of the values", **NEEDS)
def saturated_by_layer(log: RunLog) -> dict[str, float] | None:
    """Share of saturated values of each hidden tanh or sigmoid layer late in the run."""
    rows = rows_of(log, SATURATING, hidden=True)
    return _named(log, rows, _window(log, "act_saturated", rows, late))


@signal(unit="share of the values", **NEEDS, about="no-squashing")
def saturated_share(log: RunLog) -> float | None:
    """Mean over hidden tanh and sigmoid layers of the share of saturated values late in the run, 0 without any."""
    return _mean(saturated_by_layer(log)) if rows_of(log, SATURATING, hidden=True) else _without(log)


@signal(unit="share of the values", **NEEDS, about="no-squashing")
def saturated_share_worst(log: RunLog) -> float | None:
    """Largest share of saturated values of a hidden tanh or sigmoid layer late in the run, 0 without any."""
    return _most(saturated_by_layer(log)) if rows_of(log, SATURATING, hidden=True) else _without(log)


@signal(unit="share of the values", **NEEDS)
def saturated_share_first(log: RunLog) -> float | None:
    """Mean share of saturated values of hidden tanh and sigmoid layers at the first sampled step."""
    values = act(log, "act_saturated", rows_of(log, SATURATING, hidden=True))
    return typical(np.nanmean(values[:1], axis=1)) if values.size else None


@signal(unit="names", **NEEDS)
def saturated_layers(log: RunLog) -> list[str] | None:
    """Hidden tanh and sigmoid layers of which more than half of the values are saturated late in the run."""
    return [name for name, share in (saturated_by_layer(log) or {}).items() if share > DEAD] or None


def _first_spreads(log: RunLog) -> Floats:
    """Return for each layer with weights the spread over the batch of its output at the first sampled step."""
    rows = rows_of(log, frozenset({"linear", "conv"}))
    values = act(log, "act_spread", rows)
    return values[0] if values.size else np.empty(0)


@signal(unit="ratio per layer", **NEEDS)
def act_gain_per_layer(log: RunLog) -> float | None:
    """Factor by which differences between examples change from layer to layer, at the first sample."""
    return per_layer_factor(_first_spreads(log))


@signal(unit="ratio", **NEEDS)
def act_depth_ratio(log: RunLog) -> float | None:
    """Spread over the batch after the last linear or conv layer over that after the first, at the first sample."""
    spreads = _first_spreads(log)
    return float(spreads[-1] / spreads[0]) if spreads.size > 1 and spreads[0] > 0 else None


@signal(unit="ratio", **NEEDS)
def act_growth(log: RunLog) -> float | None:
    """Largest ratio, over the layers, of the peak activation RMS to that of the first tenth of the run."""
    values = act(log, "act_rms", list(range(len(log.layers.rows("act")))))
    if not values.size:
        return None
    start = row_medians(values[early(log, log.layers.steps_of("act_rms"))[:3]].T)
    return _most({str(n): v for n, v in enumerate(np.nanmax(values, axis=0) / np.where(start > 0, start, np.nan))})


@signal(unit="activation", **NEEDS)
def act_peak(log: RunLog) -> float | None:
    """Largest finite activation of the run."""
    known = finite(log.layers.column("act_max").ravel())
    return float(known.max()) if known.size else None


@signal(unit="step", **NEEDS)
def act_growth_onset(log: RunLog) -> int | None:
    """First sampled step at which the activation RMS of some layer is ten times that of the first one."""
    values = act(log, "act_rms", list(range(len(log.layers.rows("act")))))
    found = np.flatnonzero(np.any(values > 10 * values[0], axis=1)) if values.size else np.empty(0, dtype=np.int64)
    return int(log.layers.steps_of("act_rms")[found[0]]) if found.size else None
