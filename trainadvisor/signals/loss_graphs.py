"""What the graphs of the losses show: vectors that met as row and column, terms that reach nothing, empty factors."""

from typing import Any

import numpy as np

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.losses import training_losses

GRAPH = {
    "needs": "the graph of the loss at the first backward passes",
    "zh": "最初几次反向传播时损失的计算图",
}

Fact = dict[str, Any]


def _told(log: RunLog, kind: str) -> list[Fact]:
    return [event["detail"] for event in log.events if event.get("kind") == kind]


def read(log: RunLog) -> bool:
    """Return whether the graph of a training loss was looked at."""
    return any(loss.get("graph") for loss in training_losses(log))


# -- vectors that met as row and column


@signal(unit="examples", **GRAPH)
def crossed_examples(log: RunLog) -> int | None:
    """Number N of examples each of which meets every other on the way into the loss, as [N] with [N, 1]; 1: none."""
    sizes = [max(shape[0] for shape in detail["shapes"]) for detail in _told(log, "crossed-shapes")]
    return max(sizes, default=1 if read(log) else None)


@signal(unit="shapes", **GRAPH)
def crossed_shapes(log: RunLog) -> str | None:
    """The two shapes that met in this operation."""
    told = _told(log, "crossed-shapes")
    return " / ".join(str(tuple(shape)) for shape in told[0]["shapes"]) if told else None


@signal(unit="name", **GRAPH)
def crossed_operation(log: RunLog) -> str | None:
    """The operation on the way into the loss in which the two met: Mul, Sub, Div, ..."""
    told = _told(log, "crossed-shapes")
    return str(told[0]["op"]).partition("Backward")[0] if told else None


# -- terms whose gradient nobody uses


def _lost(log: RunLog) -> dict[str, Fact]:
    """Return the terms that were of no use in any backward that was followed, by name."""
    told = [(event["subject"], event["detail"]) for event in log.events if event.get("kind") == "loss-term"]
    last = {(name, detail.get("of"), detail.get("number")): detail for name, detail in told}
    return {key[0]: detail for key, detail in last.items() if detail.get("lost") == detail.get("rounds")}


@signal(unit="backward passes", **GRAPH)
def lost_term_rounds(log: RunLog) -> int | None:
    """Backward passes in which a term of the loss gave a gradient to no parameter that was stepped on; 0: none."""
    rounds = [int(told.get("rounds") or 0) for told in _lost(log).values()]
    return max(rounds, default=0 if read(log) else None)


@signal(unit="names", **GRAPH)
def lost_terms(log: RunLog) -> list[str] | None:
    """Terms of the loss (function and line) whose gradient gets to no parameter that an optimizer steps on."""
    return list(_lost(log)) or None


# -- factors of a policy's log-probabilities


@signal(unit="share", **GRAPH)
def zero_factor_share(log: RunLog) -> float | None:
    """Share of the sampled steps in which all advantages were zero, in that half of the run in which there are fewer.

    They are the factors that the loss multiplies log-probabilities with; 0 where it has none.
    """
    zero = log.column("factor_zero")
    halves = np.array_split(zero[np.isfinite(zero)], 2)
    if not halves[1].size:
        return 0.0 if read(log) else None
    return float(min(half.mean() for half in halves))


@signal(unit="steps", **GRAPH)
def zero_factor_steps(log: RunLog) -> int | None:
    """Number of sampled steps in which all advantages were zero."""
    return int(np.nansum(log.column("factor_zero"))) if read(log) else None


# -- a mean that is divided by its examples


@signal(unit="examples", **GRAPH)
def mean_divisor(log: RunLog) -> int | None:
    """Number of examples by which a mean over them is divided once more on its way into the loss; 1: none is."""
    divisors = [int(detail["by"]) for detail in _told(log, "mean-divided")]
    return max(divisors, default=1 if read(log) else None)


@signal(unit="factor", **GRAPH, about="no-accumulation")
def accumulation_divisor(log: RunLog) -> int | None:
    """What a mean is divided by where that is the square of the number of micro-batches a step; 1 elsewhere."""
    divisors = [int(detail["by"]) for detail in _told(log, "divided-twice")]
    return max(divisors, default=1 if read(log) else None)


@signal(unit="truth", **GRAPH)
def raw_overlap(log: RunLog) -> bool | None:
    """Whether an overlap (Dice, Jaccard) in the loss was made of raw outputs of a layer, without sigmoid or softmax."""
    return bool(_told(log, "raw-overlap")) if read(log) else None


@signal(unit="truth", **GRAPH)
def clamped_outputs(log: RunLog) -> bool | None:
    """Whether the loss takes the logarithm of a layer's raw outputs that a clamp has cut at 0 and 1."""
    return bool(_told(log, "clamped-outputs")) if read(log) else None


# -- axes


@signal(unit="views", **GRAPH)
def scrambled_views(log: RunLog) -> int | None:
    """Number of views whose sizes are those of exchanged axes and of nothing else, although the numbers stay."""
    return len(_views(log, regrouped=False)) if read(log) else None


@signal(unit="views", **GRAPH)
def regrouped_views(log: RunLog) -> int | None:
    """Number of views whose sizes are those of exchanged axes, or of stretches of one axis moved to its neighbor."""
    return len(_views(log, regrouped=True)) if read(log) else None


def _views(log: RunLog, *, regrouped: bool) -> list[dict[str, Any]]:
    return [told for told in _told(log, "moved-axes") if bool(told.get("regrouped")) is regrouped]


def _scrambled(log: RunLog, side: str) -> str | None:
    told = _views(log, regrouped=False) or _views(log, regrouped=True)
    return str(tuple(told[0][side])) if told else None


@signal(unit="shape", **GRAPH)
def scrambled_before(log: RunLog) -> str | None:
    """Shape before the first such view."""
    return _scrambled(log, "viewed")


@signal(unit="shape", **GRAPH)
def scrambled_after(log: RunLog) -> str | None:
    """Shape after the first such view."""
    return _scrambled(log, "shape")


@signal(unit="word", **GRAPH)
def softmax_over(log: RunLog) -> str | None:
    """What a softmax wrongly goes over: a single value, batch, steps, space, matrices; else alternatives."""
    told = _told(log, "softmax-axis")
    return str(told[0]["over"]) if told else "alternatives" if read(log) else None


@signal(unit="dimension", **GRAPH)
def softmax_dim(log: RunLog) -> int | None:
    """The dimension of such a softmax."""
    told = _told(log, "softmax-axis")
    return int(told[0]["dim"]) if told else None


@signal(unit="shape", **GRAPH)
def softmax_shape(log: RunLog) -> str | None:
    """The shape of its result."""
    told = _told(log, "softmax-axis")
    return str(tuple(told[0]["shape"])) if told else None


@signal(unit="dimension", **GRAPH)
def softmax_choice(log: RunLog) -> int | None:
    """The only dimension besides the batch that has several values, where such a softmax goes over a single one."""
    told = _told(log, "softmax-axis")
    if not told or told[0]["over"] != "single":
        return None
    wide = [dim for dim, size in enumerate(told[0]["shape"]) if dim > 0 and size > 1]
    return wide[0] if len(wide) == 1 else None
