"""The weight matrices of the main model in forward order, and sampling helpers shared by several families."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.columns import Floats, Ints
from trainadvisor.log.reader import RunLog
from trainadvisor.signals.memory import memory_of, remembered
from trainadvisor.signals.robust_statistics import median

EARLY_SHARE, LATE_SHARE = 0.1, 0.25
LEAST_SAMPLES = 5
EVEN_SAMPLES = 200
# Size beside the largest matrix at which one starts at zero, but for a step that came before it was seen.
_ZERO_BESIDE = 1e-3
LEAST_LOG = 1e-30  # keeps the logarithm of a zero finite


@remembered
def matrices(log: RunLog) -> list[int]:
    """Return the rows of trainable weight matrices (no embeddings, norms or biases), earliest layer first."""
    parameters = log.layers.rows()
    rows = [row for row, facts in enumerate(parameters) if _is_matrix(facts)]
    place = _places(log)
    placed = all(parameters[row]["layer"] in place for row in rows)
    return sorted(rows, key=lambda row: place[parameters[row]["layer"]]) if placed else rows


def _is_matrix(facts: dict[str, Any]) -> bool:
    return facts["trainable"] and facts["role"] == "weight" and len(facts["shape"]) > 1


def _places(log: RunLog) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, row in enumerate(log.layers.rows("act")):
        places.setdefault(str(row.get("layer", "")), place)
    return places


def matrix_facts(log: RunLog) -> list[dict[str, Any]]:
    """Return the description of each weight matrix, earliest layer first."""
    parameters = log.layers.rows()
    return [parameters[row] for row in matrices(log)]


def from_zero(log: RunLog) -> npt.NDArray[np.bool_]:
    """Return which of the matrices start at zero, or as nearly so as one that was first seen after a step."""
    initial = np.array([facts["init_rms"] or 0.0 for facts in matrix_facts(log)], dtype=np.float64)
    known = np.where(np.isfinite(initial), initial, 0.0)
    given = np.array([facts["init_rms"] is not None for facts in matrix_facts(log)], dtype=np.bool_)
    return np.asarray(given & (known <= _ZERO_BESIDE * known.max(initial=0.0)), dtype=np.bool_)


def of_matrices(log: RunLog, column: str) -> Floats:
    """Return samples x weight matrices of a parameter column, nan where it is not finite."""
    return memory_of(log).get(f"(of_matrices {column})", _of_matrices, log, column)


def _of_matrices(log: RunLog, column: str) -> Floats:
    values = log.layers.column(column)[:, matrices(log)]  # a copy
    values[np.isinf(values)] = np.nan
    values.flags.writeable = False  # signals share it
    return values


def per_element(log: RunLog, column: str) -> Floats:
    """Return the root mean square per element of a column of norms, samples x weight matrices."""
    counts = np.array([max(facts["count"], 1) for facts in matrix_facts(log)], dtype=np.float64)
    return np.asarray(of_matrices(log, column) / np.sqrt(counts), dtype=np.float64)


def aligned(log: RunLog, first: str, second: str) -> tuple[Ints, Floats, Floats]:
    """Return steps at which both of two parameter columns were sampled, evenly over the run, and their values."""
    steps = np.intersect1d(log.layers.steps_of(first), log.layers.steps_of(second))
    chosen = steps[even(steps)]
    places = [np.searchsorted(log.layers.steps_of(name), chosen) for name in (first, second)]
    return chosen, of_matrices(log, first)[places[0]], of_matrices(log, second)[places[1]]


def typical(values: Floats) -> float | None:
    """Return the median of the finite values, None when there are none."""
    known = values[np.isfinite(values)]
    return median(known) if known.size else None


def row_medians(values: Floats) -> Floats:
    """Return the median of the known values of each row, nan for a row without any; numpy's takes ten times as long."""
    if not values.size:
        return np.full(len(values), np.nan)
    ordered, rows = np.sort(values, axis=1), np.arange(len(values))  # nan comes last
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    return np.asarray((ordered[rows, np.maximum(counts - 1, 0) // 2] + ordered[rows, counts // 2]) / 2)


def even(steps: Ints) -> Ints:
    """Return indices of samples spread evenly over the run, because the first steps are sampled more often."""
    if steps.size <= 2:
        return np.arange(steps.size, dtype=np.int64)
    gap = max(float(np.max(np.diff(steps))), float(steps[-1] - steps[0]) / EVEN_SAMPLES)
    wanted = np.arange(steps[0], steps[-1] + 1, gap)
    return np.unique(np.minimum(np.searchsorted(steps, wanted), steps.size - 1)).astype(np.int64)


def early(log: RunLog, steps: Ints) -> Ints:
    """Return indices of the samples of the first tenth of the run, at least five if available."""
    limit = log.steps[0] + EARLY_SHARE * log.steps.size if log.steps.size else 0
    return np.arange(min(max(int(np.sum(steps < limit)), LEAST_SAMPLES), steps.size), dtype=np.int64)


def late(log: RunLog, steps: Ints) -> Ints:
    """Return indices of the samples of the last quarter of the run, at least three if available."""
    limit = log.steps[0] + (1 - LATE_SHARE) * log.steps.size if log.steps.size else 0
    count = max(int(np.sum(steps >= limit)), 3)
    return np.arange(max(steps.size - count, 0), steps.size, dtype=np.int64)


def per_layer_factor(sizes: Floats) -> float | None:
    """Return the factor by which positive sizes change from layer to layer: exp of the slope of their logarithm."""
    known = np.flatnonzero(np.isfinite(sizes) & (sizes > 0))
    if known.size < 3:
        return None
    logs = np.log(np.maximum(sizes[known], LEAST_LOG))
    return float(np.exp(np.polyfit(known.astype(np.float64), logs, 1)[0]))
