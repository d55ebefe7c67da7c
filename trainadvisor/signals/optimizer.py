"""The optimizer's settings and how they transform the gradient before it reaches the weights."""

from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats, Ints
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.loss import losses
from trainadvisor.signals.matrices import aligned, early, even, matrix_facts, per_element, row_medians, typical
from trainadvisor.signals.robust_statistics import finite, median, spikes

SETTINGS = {"needs": "the optimizer's settings", "zh": "优化器的设置"}
DECAY = {
    "needs": "the optimizer's settings, gradient and weight norms of each layer",
    "zh": "优化器的设置与各层的梯度、权重范数",
}
ADAM = frozenset({"Adam", "AdamW", "NAdam", "RAdam"})
ADAPTIVE = ADAM | {"Adamax", "Adadelta", "Adagrad", "RMSprop", "Adafactor", "SparseAdam"}
SURPRISE = 2.3  # RMS of gradient over root second moment that precedes loss spikes (Wortsman et al. 2023)
FOLLOWING = 8  # optimizer steps within which the spike follows (the same source)


def main_optimizer(log: RunLog) -> dict[str, Any] | None:
    """Return the optimizer of the judged phase that holds most parameters."""
    used = [o for o in log.optimizers if o["id"] in log.phase.optimizers] or log.optimizers
    return max(used, key=lambda o: sum(len(group["parameters"]) for group in o["groups"]), default=None)


@signal(unit="times", **SETTINGS)
def optimizer_renewals(log: RunLog) -> int | None:
    """How often an optimizer was made anew at the same line for the same parameters, which loses its moments."""
    made = {}
    for optimizer in log.optimizers:
        if optimizer["id"] in log.phase.optimizers:
            held = frozenset(number for group in optimizer["groups"] for number in group["parameters"])
            made[optimizer["id"]] = held, str(optimizer.get("site"))
    return len(made) - len(set(made.values())) if made else None


def _settings(log: RunLog, name: str) -> list[float]:
    optimizer = main_optimizer(log)
    values = [group.get(name) for group in optimizer["groups"]] if optimizer else []
    return [float(v) for v in values if isinstance(v, (int, float))]


def _setting(log: RunLog, name: str, default: float | None = None) -> float | None:
    return max(_settings(log, name), default=default if log.optimizers else None)


@signal(unit="word", **SETTINGS)
def optimizer_class(log: RunLog) -> str | None:
    """Class of the optimizer that holds most parameters of the judged phase."""
    optimizer = main_optimizer(log)
    return str(optimizer["class"]) if optimizer else None


@signal(unit="truth", **SETTINGS)
def adaptive(log: RunLog) -> bool | None:
    """Whether the optimizer divides the gradient by its running magnitude (Adam, RMSprop and similar ones)."""
    name = optimizer_class(log)
    return None if name is None else name in ADAPTIVE


@signal(unit="factor", **SETTINGS)
def momentum(log: RunLog) -> float | None:
    """Largest momentum of the parameter groups, 0 for optimizers without one."""
    return _setting(log, "momentum", 0.0)


@signal(unit="factor", **SETTINGS, about="no-weight-decay")
def weight_decay(log: RunLog) -> float | None:
    """Largest weight decay of the parameter groups."""
    return _setting(log, "weight_decay", 0.0)


@signal(unit="", **SETTINGS, about="no-adaptive-optimizer")
def adam_eps(log: RunLog) -> float | None:
    """Largest epsilon of an adaptive optimizer's groups."""
    return _setting(log, "eps") if adaptive(log) else None


@signal(unit="factor", **SETTINGS, about="no-adaptive-optimizer")
def adam_beta2(log: RunLog) -> float | None:
    """Decay of Adam's second moment."""
    optimizer = main_optimizer(log)
    if not optimizer or optimizer["class"] not in ADAM:
        return None
    betas = [group["betas"][1] for group in optimizer["groups"] if len(group.get("betas") or ()) > 1]
    return float(max(betas)) if betas else None


def _group_values(log: RunLog, name: str) -> Floats:
    """Return a group setting for each weight matrix."""
    optimizers = [o for o in log.optimizers if o["id"] in log.phase.optimizers] or log.optimizers
    held = {p: group.get(name) or 0.0 for o in optimizers for group in o["groups"] for p in group["parameters"]}
    return np.array([held.get(facts["id"], 0.0) for facts in matrix_facts(log)], dtype=np.float64)


@signal(unit="share", **DECAY)
def decay_share(log: RunLog) -> float | None:
    """Part of a step that weight decay makes up, median over run and matrices: decay over decay plus gradient.

    For AdamW and other decoupled decay: lr * decay over the update ratio.
    """
    shares = _decay_shares(log)
    return None if shares is None else typical(row_medians(shares[1]))


@signal(unit="share", **DECAY)
def decay_share_early(log: RunLog) -> float | None:
    """The same over the first tenth of the run: later, a vanished gradient leaves only the decay."""
    shares = _decay_shares(log)
    return None if shares is None else typical(row_medians(shares[1])[early(log, shares[0])])


def _decay_shares(log: RunLog) -> tuple[Ints, Floats] | None:
    """Return sampled steps, and the part of the step that decay makes up there, samples x matrices."""
    decay = _group_values(log, "weight_decay")
    if not decay.size or optimizer_class(log) is None or not log.steps.size:
        return None
    return _decoupled(log, decay) if optimizer_class(log) == "AdamW" else _coupled(log, decay)


def _coupled(log: RunLog, decay: Floats) -> tuple[Ints, Floats]:
    steps, gradient, weight = aligned(log, "grad", "weight")
    pull = decay * weight
    return steps, np.asarray(pull / np.maximum(pull + gradient, 1e-30), dtype=np.float64)


def _decoupled(log: RunLog, decay: Floats) -> tuple[Ints, Floats]:
    steps, ratios, _ = aligned(log, "update", "weight")
    rates = np.interp(steps, log.steps, log.lr)[:, None]
    return steps, np.asarray(np.minimum(rates * decay / np.maximum(ratios, 1e-30), 1.0), dtype=np.float64)


@signal(unit="e-foldings", needs="the optimizer's settings and learning rates", zh="优化器的设置与学习率")
def decay_reach(log: RunLog) -> float | None:
    """By how many e-foldings weight decay alone shrinks a weight over the run: sum of lr * decay / (1 - momentum).

    Absent where an adaptive optimizer divides the decay by the gradient's size together with the gradient.
    """
    decay, drag = weight_decay(log), momentum(log)
    rates = log.lr[np.isfinite(log.lr)]
    if decay is None or drag is None or not rates.size or (adaptive(log) and optimizer_class(log) != "AdamW"):
        return None
    return float(rates.sum()) * float(decay) / max(1 - float(drag), 1e-3)


@signal(unit="ratio", **DECAY, about="no-adaptive-optimizer")
def eps_to_gradient(log: RunLog) -> float | None:
    """Adam's epsilon over the gradient RMS per element, median over run and matrices: above 1 it dominates the step."""
    eps, steps = adam_eps(log), log.layers.steps_of("grad")
    middle = typical(row_medians(per_element(log, "grad")[even(steps)]))
    return eps / middle if eps is not None and middle else None


@signal(
    unit="ratio",
    needs="update and weight norms of each layer, and the learning rate",
    zh="各层的更新与权重范数、学习率",
)
def adam_step_share(log: RunLog) -> float | None:
    """Step RMS per element of an adaptive optimizer over its learning rate, median over run and matrices."""
    steps, ratios, norms = aligned(log, "update", "weight")
    if not adaptive(log) or not steps.size:
        return None
    sizes = norms / np.sqrt([max(facts["count"], 1) for facts in matrix_facts(log)])
    rates = np.interp(steps, log.steps, log.lr)[:, None]
    return typical(row_medians(ratios * sizes / np.where(rates > 0, rates, np.nan)))


def _surprises(log: RunLog, beta2: float) -> Floats:
    """Return the gradient norm over the root of its running second moment, 0 until that has warmed up."""
    norms, limits = log.column("grad_norm"), log.column("clip_max")
    squares = np.square(np.where(limits > 0, np.fmin(norms, limits), norms))
    squares = np.where(np.isfinite(squares), squares, median(finite(squares)) if np.isfinite(squares).any() else 0.0)
    moment, moments = 0.0, []
    for square in squares.tolist():
        moment = beta2 * moment + (1 - beta2) * square
        moments.append(moment)
    unbiased = np.array(moments) / (1 - beta2 ** np.arange(1, squares.size + 1))
    ratios: Floats = np.sqrt(squares / np.maximum(unbiased, 1e-300))
    ratios[: min(round(1 / max(1 - beta2, 1e-4)), squares.size // 4)] = 0
    return ratios


@signal(unit="spikes", needs="gradient norms, losses and Adam's settings", zh="梯度范数、损失与 Adam 的设置")
def surprise_spikes(log: RunLog) -> int | None:
    """Loss spikes within eight steps after a gradient that is 2.3 times the root of Adam's second moment.

    A spike stands six local scales and half of the median loss above its level; the first quarter does not count.
    """
    beta2, values = adam_beta2(log), losses(log, 60)
    if beta2 is None or values is None or not np.isfinite(log.column("grad_norm")).any():
        return None
    surprised = np.flatnonzero(_surprises(log, beta2) > SURPRISE)
    found = spikes(values, 6.0, 0.5 * abs(median(values)), skip=values.size // 4)
    return sum(bool(np.any((surprised < s.start + 1) & (surprised >= s.start - FOLLOWING))) for s in found)


@signal(unit="examples", needs="the number of examples of each step", zh="每一步的样本数")
def batch_median(log: RunLog) -> float | None:
    """Median number of examples of an optimizer step."""
    return typical(log.column("batch"))
