"""Which parameters the loss reaches, and which an optimizer holds."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.held_parameters import held, held_by
from trainadvisor.signals.wiring import no_grad_share

GRAPH = {
    "needs": "the graph of the loss and the parameters held by the optimizers",
    "zh": "损失的计算图，以及各优化器持有的参数",
}
# Steps of the other optimizers after which one that never stepped is not merely waiting for its turn.
IDLE_STEPS = 50
MOSTLY = 0.9
UNREGISTERED = "(unregistered)"

Fact = dict[str, Any]


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


def learnable(log: RunLog) -> list[Fact]:
    """Return the parameters that the loss reaches."""
    facts = all_parameters(log)
    return [facts[number] for number in sorted(reached(log)) if number in facts]


def outside(log: RunLog) -> list[Fact] | None:
    """Return the fresh trainable parameters that the loss reaches but no optimizer holds; None without a graph.

    If the optimizer never sees a gradient, this includes all parameters that receive one, fresh or not.
    """
    wanted = learnable(log)
    if not wanted or not log.optimizers:
        return None
    kept, idle = held(log), (no_grad_share(log) or 0.0) > MOSTLY
    return [fact for fact in wanted if fact["id"] not in kept and (idle or fresh(fact))]


def idle(log: RunLog) -> list[Fact]:
    """Return the fresh weights behind the loss that are held only by optimizers that never stepped while others did."""
    stepped = {number for phase in log.phases for number in phase.optimizers}
    if not stepped or log.all_steps_count < IDLE_STEPS:
        return []
    resting = {o["id"] for o in log.optimizers} - stepped
    ids = {number: held_by(log, number) for number in (*stepped, *resting)}
    active = set().union(*(ids[number] for number in stepped))
    waiting = set().union(*(ids[number] for number in resting)) - active
    return [fact for fact in learnable(log) if fact["id"] in waiting and wide(fact) and fresh(fact)]


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
    return None if missing is None else elements(missing) / elements(learnable(log))


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
