"""Gradients: their size over time and over depth."""

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.matrices import (
    early,
    even,
    from_zero,
    matrices,
    matrix_facts,
    per_element,
    per_layer_factor,
    row_medians,
    typical,
)
from trainadvisor.signals.robust_statistics import finite, median, running_median

NORMS = {"needs": "the global gradient norm of each step", "zh": "每一步的全局梯度范数"}
LAYERS = {"needs": "the gradient norm of each layer on sampled steps", "zh": "采样步上各层的梯度范数"}
MODEL = {"needs": "the layers of the model", "zh": "模型的各层信息"}

FIRST_SAMPLES = 3
GROWN = 10.0  # growth that counts as the onset; the rules have their own thresholds


@signal(unit="matrices", **MODEL)
def depth(log: RunLog) -> int | None:
    """Number of trainable weight matrices, embeddings and norms not counted."""
    return len(matrices(log)) if log.model else None


def _norms(log: RunLog) -> Floats:
    own, clipped = log.column("grad_norm"), log.column("clip_norm")
    return np.where(np.isnan(own), clipped, own)


@signal(unit="norm", **NORMS)
def grad_norm_first(log: RunLog) -> float | None:
    """Median global gradient norm of the first three steps."""
    return typical(_norms(log)[:3])


@signal(unit="norm", **NORMS)
def grad_norm_median(log: RunLog) -> float | None:
    """Median global gradient norm over the run, before clipping."""
    return typical(_norms(log))


@signal(unit="norm", **NORMS)
def grad_norm_max(log: RunLog) -> float | None:
    """Largest finite global gradient norm of the run, before clipping."""
    known = finite(_norms(log))
    return float(known.max()) if known.size else None


@signal(unit="norm", **NORMS)
def grad_norm_p90(log: RunLog) -> float | None:
    """90th percentile of the global gradient norm over the calmer half of the run: a reasonable clip norm."""
    known = finite(_norms(log))
    calm = np.sort(known)[: max(known.size * 3 // 4, 1)]
    return float(np.percentile(calm, 90)) if known.size else None


@signal(unit="ratio", **NORMS)
def grad_norm_growth(log: RunLog) -> float | None:
    """Largest median of five consecutive gradient norms over the median of the first five."""
    smooth = _smooth_norms(log)
    return float(smooth.max() / smooth[0]) if smooth.size and smooth[0] > 0 else None


@signal(unit="ratio", **NORMS)
def grad_norm_tail(log: RunLog) -> float | None:
    """99th percentile of the global gradient norm over its median: how heavy its tail is."""
    known = finite(_norms(log))
    middle = median(known) if known.size else 0.0
    return float(np.percentile(known, 99)) / middle if middle > 0 else None


@signal(unit="step", **NORMS)
def grad_growth_onset(log: RunLog) -> int | None:
    """First step at which the median of five gradient norms is ten times the first, or a norm is not finite."""
    smooth, norms = _smooth_norms(log), _norms(log)
    grown = np.flatnonzero(smooth > GROWN * smooth[0]) if smooth.size else np.empty(0, dtype=np.int64)
    bad = np.flatnonzero(np.isinf(norms))
    places = [int(log.steps[p]) for p in [*(grown[:1] + 4), *bad[:1]] if p < log.steps.size]
    return min(places) if places else None


def _smooth_norms(log: RunLog) -> Floats:
    known = finite(_norms(log))
    return running_median(known, 5)[4:] if known.size > 4 else np.empty(0)


@signal(unit="ratio", needs="the initial weights, and the gradient norm of each layer", zh="初始权重与各层的梯度范数")
def grad_to_weight_first(log: RunLog) -> float | None:
    """Median over weight matrices of gradient RMS before the first step over the RMS of the initial weights.

    Where layers were sampled only later, as in steps with a closure, the total norm tells by how much it had grown.
    """
    gradient = per_element(log, "grad")
    initial = np.array([facts["init_rms"] or np.nan for facts in matrix_facts(log)], dtype=np.float64)
    if not gradient.size:
        return None
    ratio = typical(gradient[0] / np.where(from_zero(log), np.nan, initial))
    return ratio / _growth_before(log) if ratio is not None else None


def _growth_before(log: RunLog) -> float:
    """Return by what the norm of all gradients grew up to the first sample of layers; 1 where that is not known."""
    first, later = (_norm_at(log, step) for step in (0, log.layers.steps_of("grad")[0]))
    return float(later / first) if first > 0 and later > 0 else 1.0


def _norm_at(log: RunLog, step: int) -> float:
    recorded = log.column("grad_norm")[log.steps == step]
    return float(recorded[-1]) if recorded.size else np.nan


def thirds(values: Floats) -> tuple[Floats, Floats]:
    """Return the columns of the first and the last third of the layers (at least one each)."""
    count = max(values.shape[1] // 3, 1)
    return values[:, :count], values[:, -count:]


def depth_ratios(log: RunLog) -> Floats:
    """Return for each sample the gradient RMS of the first third of the matrices over that of the last third."""
    first, last = thirds(per_element(log, "grad"))
    below = row_medians(last)
    return np.asarray(row_medians(first) / np.where(below > 0, below, np.nan), dtype=np.float64)


@signal(unit="per element", **LAYERS)
def grad_rms_first_layers(log: RunLog) -> float | None:
    """Median gradient RMS per element of the first third of the weight matrices, over the first tenth of the run."""
    steps = log.layers.steps_of("grad")
    return typical(row_medians(thirds(per_element(log, "grad"))[0])[early(log, steps)])


@signal(unit="per element", **LAYERS)
def grad_rms_last_layers(log: RunLog) -> float | None:
    """Median gradient RMS per element of the last third of the weight matrices, over the first tenth of the run."""
    steps = log.layers.steps_of("grad")
    return typical(row_medians(thirds(per_element(log, "grad"))[1])[early(log, steps)])


@signal(unit="ratio", **LAYERS)
def grad_depth_ratio(log: RunLog) -> float | None:
    """Gradient RMS of the first third of the weight matrices over that of the last third, early in the run."""
    return typical(depth_ratios(log)[early(log, log.layers.steps_of("grad"))])


@signal(unit="ratio", **LAYERS)
def grad_depth_ratio_first(log: RunLog) -> float | None:
    """Gradient RMS of the first third of the weight matrices over that of the last third at the first samples."""
    return typical(depth_ratios(log)[:FIRST_SAMPLES])


@signal(unit="ratio", **LAYERS)
def grad_depth_ratio_high(log: RunLog) -> float | None:
    """80th percentile over the first half of the run of the gradient RMS of the first over that of the last layers."""
    steps = log.layers.steps_of("grad")
    chosen = even(steps)
    known = finite(depth_ratios(log)[chosen[: max(chosen.size // 2, 3)]])
    return float(np.percentile(known, 80)) if known.size else None


@signal(unit="ratio per layer", **LAYERS)
def grad_gain_per_layer(log: RunLog) -> float | None:
    """Factor by which the gradient RMS changes from a layer to the one before it, over the first tenth of the run."""
    values = per_element(log, "grad")[early(log, log.layers.steps_of("grad"))]
    factor = per_layer_factor(row_medians(values.T)) if values.size else None
    return None if factor is None else 1 / factor
