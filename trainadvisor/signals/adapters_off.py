"""Adapters that are switched off with nothing learned: low-rank pairs whose outer matrix is still zero."""

from typing import Any

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.trained_parameters import GRAPH, all_parameters, outside

Fact = dict[str, Any]


def _is_pair(outer: Fact, inner: Fact) -> bool:
    """Return whether two matrices multiply to a low-rank one within one module, as [out, r] and [r, in] do."""
    if outer["owner"] != inner["owner"] or outer["id"] == inner["id"] or len(inner.get("shape") or ()) != 2:
        return False
    rank = outer["shape"][1]
    near = outer["name"].split(".")[0] == inner["name"].split(".")[0] and _common(outer["name"], inner["name"]) > 0
    return bool(near and inner["shape"][0] == rank and rank < min(outer["shape"][0], inner["shape"][1]))


def _common(one: str, other: str) -> int:
    """Return how many components of two dotted names agree from the start."""
    pairs = zip(one.split(".")[:-1], other.split(".")[:-1], strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(one.count("."), other.count(".")))


@remembered
def _pairs(log: RunLog) -> list[tuple[Fact, Fact]]:
    """Return the outer matrices that start at zero, each with the inner one nearest to it by name."""
    facts = list(all_parameters(log).values())
    zero = [fact for fact in facts if fact.get("init_rms") == 0 and len(fact.get("shape") or ()) == 2]
    found = [(outer, [inner for inner in facts if inner.get("init_rms") and _is_pair(outer, inner)]) for outer in zero]
    return [
        (outer, max(inner, key=lambda fact: _common(outer["name"], fact["name"]))) for outer, inner in found if inner
    ]


def _off(log: RunLog) -> list[str]:
    pairs = _pairs(log)
    if any(outer["trainable"] or inner["trainable"] for outer, inner in pairs):
        return []
    return [f"{outer['owner']}.{outer['name']}" for outer, _ in pairs if not outer.get("earlier")]


@signal(unit="names", needs="the parameters of the model", zh="模型的参数")
def adapters_off(log: RunLog) -> list[str]:
    """Outer matrices of adapters that are switched off at zero together with the inner ones; none where any trains."""
    return _off(log)


@signal(unit="adapters", needs="the parameters of the model", zh="模型的参数")
def adapters_off_count(log: RunLog) -> int | None:
    """Adapters that are switched off while their product is still exactly zero."""
    return len(_off(log)) if all_parameters(log) else None


@signal(unit="adapters", **GRAPH)
def adapters_outside(log: RunLog) -> int | None:
    """Adapters that no optimizer holds, as where it was made before they were put in; absent when there are none."""
    missing = {fact["id"] for fact in outside(log) or []}
    return sum(outer["id"] in missing for outer, _ in _pairs(log)) or None
