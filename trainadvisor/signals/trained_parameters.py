"""Which parameters the loss reaches, which an optimizer holds, and which change."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.held_parameters import held, held_by, held_now, trained_before
from trainadvisor.signals.initial_spread import drawn
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.wiring import no_grad_share

GRAPH = {
    "needs": "the graph of the loss and the parameters held by the optimizers",
    "zh": "损失的计算图，以及各优化器持有的参数",
}
SAMPLES = {"needs": "samples of gradients and updates of each parameter", "zh": "各参数的梯度与更新量的采样"}
FROZEN_SAMPLES, ZERO_SAMPLES = 3, 5
# Steps of the other optimizers after which one that never stepped is not merely waiting for its turn.
IDLE_STEPS = 50
MOSTLY = 0.9
LAST_BIT = (
    1e-6  # a float32 has 24 bits; a relative change below 6e-8 is lost, and the norm of one is not that of each element
)
UNREGISTERED = "(unregistered)"

Fact = dict[str, Any]
Mask = npt.NDArray[np.bool_]


def all_parameters(log: RunLog) -> dict[int, Fact]:
    """Return every known parameter by number, with the name of its model as "owner"."""
    return {p["id"]: {**p, "owner": model["name"]} for model in log.models for p in model["parameters"]}


def reached(log: RunLog) -> set[int]:
    """Return the numbers of the parameters in the graph of any training loss."""
    graphs = [loss["graph"] for loss in log.losses if loss.get("phase") != "eval" and loss["graph"]]
    return {number for graph in graphs for number in graph["parameters"]}


def fresh(fact: Fact) -> bool:
    """Return whether a parameter starts from random values: neither loaded nor trained before."""
    return not fact.get("loaded") and not fact.get("earlier")


def _learnable(log: RunLog) -> list[Fact]:
    facts = all_parameters(log)
    return [facts[number] for number in sorted(reached(log)) if number in facts]


def outside(log: RunLog) -> list[Fact] | None:
    """Return the fresh trainable parameters that the loss reaches but no optimizer holds; None without a graph.

    If the optimizer never sees a gradient, this includes all parameters that receive one, fresh or not.
    """
    learnable = _learnable(log)
    if not learnable or not log.optimizers:
        return None
    kept, idle = held(log), (no_grad_share(log) or 0.0) > MOSTLY
    return [fact for fact in learnable if fact["id"] not in kept and (idle or fresh(fact))]


def idle(log: RunLog) -> list[Fact]:
    """Return the fresh weights behind the loss that are held only by optimizers that never stepped while others did."""
    stepped = {number for phase in log.phases for number in phase.optimizers}
    if not stepped or log.all_steps_count < IDLE_STEPS:
        return []
    resting = {o["id"] for o in log.optimizers} - stepped
    ids = {number: held_by(log, number) for number in (*stepped, *resting)}
    active = set().union(*(ids[number] for number in stepped))
    waiting = set().union(*(ids[number] for number in resting)) - active
    return [fact for fact in _learnable(log) if fact["id"] in waiting and wide(fact) and fresh(fact)]


def elements(facts: list[Fact]) -> int:
    """Return the number of elements of parameters."""
    return sum(max(fact["count"], 1) for fact in facts)


def wide(fact: Fact) -> bool:
    """Return whether a parameter is a matrix, a kernel or a table: a bias may stand still in a healthy run."""
    return len(fact["shape"]) > 1


@signal(unit="share", **GRAPH)
def outside_share(log: RunLog) -> float | None:
    """Share of the trainable elements behind the loss that no optimizer holds, pre-trained ones not counted."""
    missing = outside(log)
    return None if missing is None else elements(missing) / elements(_learnable(log))


@signal(unit="tensors", **GRAPH)
def outside_weights(log: RunLog) -> int | None:
    """Number of weight matrices, kernels and tables in the graph of the loss that no optimizer holds."""
    missing = outside(log)
    return None if missing is None else sum(map(wide, missing))


@signal(unit="names", **GRAPH)
def outside_parameters(log: RunLog) -> list[str] | None:
    """Names of the parameters in the graph of the loss that no optimizer holds."""
    return [fact["name"] for fact in outside(log) or []] or None


@signal(unit="tensors", **GRAPH)
def unregistered_tensors(log: RunLog) -> int | None:
    """Parameters behind the loss that belong to no module (in a plain list or dict); absent when there are none."""
    return sum(fact["owner"] == UNREGISTERED for fact in outside(log) or []) or None


@signal(unit="tensors", **GRAPH)
def strange_held_tensors(log: RunLog) -> int | None:
    """Tensors that optimizers hold although no model contains them (replaced layers); absent when there are none."""
    if not log.optimizers or not log.models:
        return None
    known = set(all_parameters(log))
    return (sum(int(o.get("unknown_parameters") or 0) for o in log.optimizers) + len(held(log) - known)) or None


@signal(unit="share", needs="the parameters of the model", zh="模型的参数")
def pretrained_share(log: RunLog) -> float | None:
    """Share of the elements of the main model that were loaded or trained before this phase."""
    facts = log.model["parameters"] if log.model else []
    return elements([fact for fact in facts if not fresh(fact)]) / elements(facts) if facts else None


# -- what changes


def _used_samples(log: RunLog, column: str) -> npt.NDArray[np.float64]:
    """Return samples x parameters; samples taken at a learning rate of zero are left out unless all were."""
    values, steps = log.layers.column(column), log.layers.steps_of(column)
    known, rates = log.steps, log.lr
    if np.any(known[1:] < known[:-1]):
        order = np.argsort(known, kind="stable")
        known, rates = known[order], rates[order]
    places = np.searchsorted(known, steps, side="right") - 1
    found = (places >= 0) & (known[places] == steps) if known.size else np.zeros(steps.size, dtype=bool)
    moving = ~found
    moving[found] = rates[places[found]] != 0
    return values[moving] if moving.any() else values


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
    if not before.size or not np.isfinite(loss).all():
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
    return without & _mask(log, lambda fact: fact["layer"] not in ran)


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
    wanted = elements([fact for fact in _learnable(log) if wide(fact)])
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


@signal(unit="share", **SAMPLES)
def zero_gradient_share(log: RunLog) -> float | None:
    """Share of the weights held by an optimizer that had no gradient, or exactly zero, in every sample."""
    return _share(log, zero_mask(log))


@signal(unit="names", **SAMPLES)
def zero_gradient_parameters(log: RunLog) -> list[str] | None:
    """Names of the weights held by an optimizer that had no gradient, or exactly zero, in every sample."""
    return _names(log, zero_mask(log))


@signal(unit="share", **SAMPLES)
def detached_share(log: RunLog) -> float | None:
    """Share of the optimizers' weights without any gradient although their layer ran; absent when there are none."""
    mask = zero_mask(log)
    absent = np.isnan(log.layers.column("grad")).all(axis=0)
    return None if mask is None else _share(log, mask & absent) or None
