"""Updates: the size of a step relative to the weights."""

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import kinds, signal
from trainadvisor.signals.gradients import thirds
from trainadvisor.signals.matrices import early, even, from_zero, of_matrices, row_medians, typical
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.optimizer import main_optimizer
from trainadvisor.signals.robust_statistics import finite

NEEDS = {"needs": "update and weight norms of each layer on sampled steps", "zh": "采样步上各层的更新量与权重范数"}
LEAST_SAMPLES = 2
LARGE = 0.1  # ratio that counts as the onset of large updates; the rules have their own thresholds


@remembered
def _moves(log: RunLog) -> Floats:
    """Return the update ratios, samples x matrices; nan for matrices that start at zero, whose ratio says nothing."""
    return np.where(from_zero(log), np.nan, of_matrices(log, "update"))


def _ratios(log: RunLog) -> Floats:
    """Return the update ratios at samples spread evenly over the run."""
    return _moves(log)[even(log.layers.steps_of("update"))]


def _fastest(log: RunLog) -> Floats:
    """Return the ratio of the fastest-moving matrix, sample by sample."""
    values = _moves(log)
    return np.asarray(np.nanmax(values, axis=1) if values.size else np.full(len(values), np.nan), dtype=np.float64)


@signal(unit="truth", needs="the model", zh="模型")
def fine_tunes(log: RunLog) -> bool | None:
    """Whether most parameters of the model were loaded: trained on from where another training ended."""
    return kinds.finetuning(log) if log.model else None


@signal(unit="ratio", **NEEDS)
def update_ratio_first(log: RunLog) -> float | None:
    """Median over weight matrices of update norm over weight norm at the first sampled step that moved anything.

    RMSprop's very first step is 1 / sqrt(1 - alpha) times the learning rate by construction: that factor is taken out.
    """
    moved = np.flatnonzero(np.nansum(_moves(log), axis=1) > 0)
    if not moved.size:
        return None
    ratio, opening = typical(_moves(log)[moved[0]]), log.layers.steps_of("update")[moved[0]] == log.steps[0]
    return ratio / _opening_factor(log) if ratio is not None and opening else ratio


def _opening_factor(log: RunLog) -> float:
    """Return how many times larger than the learning rate the first step of the optimizer is by construction."""
    optimizer = main_optimizer(log)
    if optimizer is None or optimizer.get("class") != "RMSprop" or not optimizer["groups"]:
        return 1.0
    alpha = number(optimizer["groups"][0].get("alpha"))
    return float(1 / np.sqrt(1 - alpha)) if alpha is not None and 0 <= alpha < 1 else 1.0


@signal(unit="ratio", **NEEDS)
def update_ratio_early(log: RunLog) -> float | None:
    """Median over the first tenth of the run of the median update ratio of the weight matrices."""
    steps = log.layers.steps_of("update")
    return typical(row_medians(_moves(log))[early(log, steps)])


@signal(unit="ratio", **NEEDS)
def update_ratio_median(log: RunLog) -> float | None:
    """Median over the run of the median update ratio of the weight matrices."""
    return typical(row_medians(_ratios(log)))


@signal(unit="ratio", **NEEDS)
def update_ratio_max(log: RunLog) -> float | None:
    """Largest value over the run of the median update ratio of the weight matrices."""
    known = finite(row_medians(_moves(log)))
    return float(known.max()) if known.size else None


@signal(unit="ratio", **NEEDS)
def update_ratio_fastest(log: RunLog) -> float | None:
    """Median over the run of the update ratio of the matrix that moves most."""
    chosen = even(log.layers.steps_of("update"))
    return typical(_fastest(log)[chosen])


@signal(unit="ratio", **NEEDS)
def update_ratio_first_layers(log: RunLog) -> float | None:
    """Median over the run of the update ratio of the first third of the weight matrices."""
    return typical(row_medians(thirds(_ratios(log))[0]))


@signal(unit="weight norms", **NEEDS)
def weight_travel(log: RunLog) -> float | None:
    """Length of the path of the fastest matrix in units of its norm: its update ratio summed over all steps."""
    steps, ratios = log.layers.steps_of("update"), _fastest(log)
    if not steps.size or not log.steps.size or not ratios.size:
        return None
    rates = np.where(np.isfinite(log.lr), log.lr, 1.0)
    pace = ratios / np.maximum(np.interp(steps, log.steps, rates), 1e-300)
    known = np.isfinite(pace) & (pace > 0)
    if known.sum() < LEAST_SAMPLES:
        return None
    # between samples, and after the last one, the step is assumed to scale with the learning rate
    return float(np.sum(np.interp(log.steps, steps[known], pace[known]) * rates))


def _relative_norms(log: RunLog) -> Floats:
    """Return the norm of each weight matrix over its norm at the first sample; nan for those that start at zero."""
    weights = np.where(from_zero(log), np.nan, of_matrices(log, "weight"))
    if not weights.size:
        return weights
    return np.asarray(weights / np.where(weights[0] > 0, weights[0], np.nan), dtype=np.float64)


@signal(unit="ratio", **NEEDS)
def weight_shrink(log: RunLog) -> float | None:
    """Median over weight matrices of their last norm over their first one."""
    norms = _relative_norms(log)
    return typical(norms[-1]) if len(norms) else None


@signal(unit="ratio", **NEEDS)
def weight_growth(log: RunLog) -> float | None:
    """Largest ratio, over weight matrices and samples, of the norm to the first norm."""
    known = finite(_relative_norms(log).ravel())
    return float(known.max()) if known.size else None


@signal(unit="step", **NEEDS)
def large_update_onset(log: RunLog) -> int | None:
    """First sampled step at which the median weight matrix moved by more than a tenth of its norm."""
    large = np.flatnonzero(row_medians(_moves(log)) > LARGE)
    return int(log.layers.steps_of("update")[large[0]]) if large.size else None
