"""Which weights change, and which have no gradient, in the samples of a run."""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.held_parameters import held_now, trained_before
from trainadvisor.signals.initial_spread import drawn
from trainadvisor.signals.losses import output_units
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.trained_parameters import (
    elements,
    fresh,
    idle,
    learnable,
    outside,
    wide,
)

SAMPLES = {"needs": "samples of gradients and updates of each parameter", "zh": "各参数的梯度与更新量的采样"}
FROZEN_SAMPLES, ZERO_SAMPLES = 3, 5
MOSTLY = 0.9
# Torch's names for what a reverse direction hands from step to step.
REVERSE = re.compile(r"weight_hh_l\d+_reverse$")
# A float32 has 24 bits; a relative change below 6e-8 is lost, and the norm of one is not that of each element.
LAST_BIT = 1e-6

Mask = npt.NDArray[np.bool_]


def _used_samples(log: RunLog, column: str) -> npt.NDArray[np.float64]:
    """Return samples x parameters of the optimizers' steps; those at a rate of zero are left out unless all were.

    Batches before the first step of an optimizer are steps of their own: no weight moves in them.
    """
    values, steps = log.layers.column(column), log.layers.steps_of(column)
    known, rates = log.steps, log.lr
    if np.any(known[1:] < known[:-1]):
        order = np.argsort(known, kind="stable")
        known, rates = known[order], rates[order]
    places = np.searchsorted(known, steps, side="right") - 1
    found = (places >= 0) & (known[places] == steps) if known.size else np.zeros(steps.size, dtype=bool)
    rate = np.full(steps.size, np.inf)
    rate[found] = rates[places[found]]
    stepped = ~np.isnan(rate) if np.isfinite(rates).any() else np.ones(steps.size, dtype=bool)
    moving = stepped & (rate != 0)
    return np.asarray(values[moving if moving.any() else stepped])


def _ran(log: RunLog) -> set[str]:
    return {str(row.get("layer", "")) for row in log.layers.rows("act")}


def _mask(log: RunLog, accept: Any) -> Mask:
    return np.array([bool(accept(fact)) for fact in log.layers.rows()], dtype=bool)


@remembered
def _still(log: RunLog) -> Mask | None:
    """Return the parameters whose bits changed in no sample."""
    values = _used_samples(log, "update")
    if len(values) < FROZEN_SAMPLES:
        return None
    still = (values == 0).all(axis=0) & ~_resized(log)
    return np.zeros_like(still) if _at_rest(log) else np.asarray(still)


def _at_rest(log: RunLog) -> bool:
    """Return whether the loss moved before the first sample and stands to the last bit since, as LBFGS ends."""
    first, loss = log.layers.steps_of("update").min(), log.column("loss")
    before, since = loss[log.steps < first], loss[log.steps >= first]
    if not before.size or not since.size or not np.isfinite(loss).all():
        return False
    bit = LAST_BIT * abs(float(since[0]))
    return bool(np.ptp(since) <= bit < np.abs(before - since[0]).max())


def _resized(log: RunLog) -> Mask:
    """Return the parameters whose norm differs between samples: they moved in steps that no sample shows."""
    norms = log.layers.column("weight")
    if not len(norms):
        return np.zeros(norms.shape[1], dtype=bool)
    return np.asarray(np.fmax.reduce(norms) > np.fmin.reduce(norms))


def _dead(log: RunLog, samples: int) -> Mask | None:
    """Return the parameters without any gradient (None, or exactly zero) in every sample."""
    values = log.layers.column("grad")
    return np.asarray((np.isnan(values) | (values == 0)).all(axis=0)) if len(values) >= samples else None


def _rounded_away(log: RunLog) -> Mask:
    """Return the parameters whose gradient is so small that a plain step is lost in the last bit of the weight."""
    grads, norms = log.layers.column("grad"), log.layers.column("weight")
    if not len(grads) or not len(norms) or not np.isfinite(log.lr).any():
        return np.zeros(len(log.layers.rows()), dtype=bool)
    largest, least = np.nanmax(grads, axis=0), np.nanmin(norms, axis=0)
    return np.asarray((largest > 0) & (float(np.nanmax(log.lr)) * largest < LAST_BIT * least))


def _unused(log: RunLog) -> Mask:
    """Return parameters without any gradient whose layer was never run: an unused module is not a fault."""
    values, ran = log.layers.column("grad"), _ran(log)
    without = np.isnan(values).all(axis=0) if len(values) else np.zeros(values.shape[1], dtype=bool)
    return without & _mask(log, lambda fact: not _has_run(fact["layer"], ran))


def _has_run(layer: str, ran: set[str]) -> bool:
    """Return whether a layer ran, or one inside it, as the linear one that an adapter wraps."""
    return layer in ran or any(name.startswith(f"{layer}.") for name in ran)


def _watched(log: RunLog) -> Mask:
    """Return the weights that should change: trainable, held by an optimizer or mistakenly by none."""
    wanted = held_now(log) | {fact["id"] for fact in outside(log) or []}
    return _mask(log, lambda fact: fact["trainable"] and wide(fact) and fact["id"] in wanted)


def frozen_mask(log: RunLog) -> Mask | None:
    """Return the weights whose bits did not change in any sample although they had a gradient."""
    still, dead = _still(log), _dead(log, FROZEN_SAMPLES)
    if still is None or dead is None or not log.optimizers:
        return None
    return still & ~dead & _watched(log) & ~_rounded_away(log)


def zero_mask(log: RunLog) -> Mask | None:
    """Return the weights of optimizers whose gradient was None, or exactly zero, in every sample."""
    dead = _dead(log, ZERO_SAMPLES)
    if dead is None or not log.optimizers:
        return None
    kept, still = held_now(log), _still(log)
    absent = np.isnan(log.layers.column("grad")).all(axis=0)
    resting = absent & (_mask(log, lambda fact: not fresh(fact)) | (~still if still is not None else False))
    wanted = _mask(log, lambda fact: fact["trainable"] and wide(fact) and fact["id"] in kept)
    if dead.all() and (log.column("grad_norm") > 0).any():
        return np.zeros_like(dead)  # all had gradients at a step between the samples, and lost them since
    return dead & wanted & ~_unused(log) & ~resting


def _share(log: RunLog, mask: Mask | None) -> float | None:
    watched = _watched(log)
    counts = np.array([max(fact["count"], 1) for fact in log.layers.rows()], dtype=np.float64)
    return None if mask is None or not watched.any() else float(counts[mask].sum() / counts[watched].sum())


def _names(log: RunLog, mask: Mask | None) -> list[str] | None:
    return None if mask is None else [name for name, found in zip(log.layers.names(), mask, strict=True) if found]


@signal(unit="share", **SAMPLES)
def frozen_share(log: RunLog) -> float | None:
    """Share of the weights that have gradients and should train, but whose bits changed in no sample."""
    waiting, mask = idle(log), frozen_mask(log)
    share = _share(log, mask)
    if not waiting:
        return share
    wanted = elements([fact for fact in learnable(log) if wide(fact)])
    return (share or 0.0) * (1.0 - elements(waiting) / wanted) + elements(waiting) / wanted


@signal(unit="names", **SAMPLES)
def frozen_parameters(log: RunLog) -> list[str] | None:
    """Names of the weights whose bits changed in no sample although they should train, or that are off and random."""
    found, waiting = frozen_mask(log), [f"{fact['owner']}.{fact['name']}" for fact in idle(log)]
    names = _names(log, _random_and_off(log) | found if found is not None else _random_and_off(log)) or []
    return [*names, *waiting]


def _random_and_off(log: RunLog) -> Mask:
    """Return the weights that do not train although nothing was ever loaded into them.

    They are switched off (requires_grad False), or an optimizer holds them, their layer is never called, and no
    gradient ever comes: such as a table that is read as `weight.data[i]`.
    """
    model, kept, before = log.model or {}, held_now(log), trained_before(log)
    loaded, seen = model.get("loaded") is True, model.get("site") is not None
    # a model made before the recorder began may hold anything
    off = _mask(
        log, lambda fact: not fact["trainable"] and wide(fact) and fresh(fact) and not loaded and (seen or drawn(fact))
    ) & ~_mask(log, lambda fact: fact["id"] in before)
    if len(log.layers.column("grad")) < ZERO_SAMPLES:
        return off
    return off | (_unused(log) & _mask(log, lambda fact: fact["id"] in kept and wide(fact) and fresh(fact)))


@signal(unit="share", needs="the parameters of the model", zh="模型的参数")
def random_frozen_share(log: RunLog) -> float | None:
    """Share of the weights that do not train (switched off or never used) and have their random initial values."""
    counts = np.array([max(fact["count"], 1) if wide(fact) else 0 for fact in log.layers.rows()], dtype=np.float64)
    return float(counts[_random_and_off(log)].sum() / counts.sum()) if counts.sum() else None


@signal(unit="truth", needs="the parameters of the model", zh="模型的参数")
def random_head(log: RunLog) -> bool:
    """Whether the layer that gives the answers is switched off at random values behind layers that were loaded."""
    facts = log.layers.rows()
    heads = [place for place, fact in enumerate(facts) if wide(fact)][-1:]
    loaded = sum(fact["count"] for fact in facts if wide(fact) and fact.get("loaded"))
    if not heads or 2 * loaded < sum(fact["count"] for fact in facts if wide(fact)):
        return False
    head = heads[0]
    answers = facts[head]["shape"][0] == output_units(log)
    return bool(answers and _random_and_off(log)[head] and any(fact["trainable"] for fact in facts))


@signal(unit="share", **SAMPLES)
def zero_gradient_share(log: RunLog) -> float | None:
    """Share of the weights held by an optimizer that had no gradient, or exactly zero, in every sample."""
    return _share(log, zero_mask(log))


@signal(unit="names", **SAMPLES)
def zero_gradient_parameters(log: RunLog) -> list[str] | None:
    """Names of the weights held by an optimizer that had no gradient, or exactly zero, in every sample."""
    return _names(log, zero_mask(log))


@signal(unit="truth", **SAMPLES)
def reverse_steps_unread(log: RunLog) -> bool | None:
    """Whether the only weights without gradient are recurrent ones of reverse directions: their first step is read."""
    names = _names(log, zero_mask(log))
    return None if names is None else bool(names) and all(REVERSE.search(name) for name in names)


@signal(unit="share", **SAMPLES)
def detached_share(log: RunLog) -> float | None:
    """Share of the optimizers' weights without any gradient although their layer ran; absent when there are none."""
    mask = zero_mask(log)
    absent = np.isnan(log.layers.column("grad")).all(axis=0)
    return None if mask is None else _share(log, mask & absent) or None
