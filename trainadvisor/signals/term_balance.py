"""How the gradients of the terms of a loss compare, by the parameters that each has for itself."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.loss_graphs import GRAPH, read

LEAST_SAMPLES = 3

Numbers = npt.NDArray[np.float64]


def _terms(log: RunLog) -> list[dict[str, Any]]:
    """Return the terms that share parameters with others and have some for themselves, as the others have."""
    told = [event["detail"].get("summands") or [] for event in log.events if event["kind"] == "loss-terms"]
    return [term for terms in told for term in terms if term["own"] and term["without"] and term["shared"]]


def _norm(gradients: Numbers, numbers: list[int], wanted: list[int]) -> Numbers:
    chosen = np.isin(numbers, wanted)
    return np.asarray(np.sqrt(np.nansum(np.square(gradients[:, chosen]), axis=1)))


def _ratios(log: RunLog) -> dict[str, float]:
    """Return, for each term, by how much the gradient of its own parameters exceeds that of the others'."""
    gradients = log.layers.column("grad")
    numbers = [int(row["id"]) for row in log.layers.rows()]
    found = {}
    for term in _terms(log) if len(gradients) >= LEAST_SAMPLES else []:
        own, others = (_norm(gradients, numbers, term[side]) for side in ("own", "without"))
        both = (own > 0) & (others > 0)
        if both.sum() >= LEAST_SAMPLES:
            found[str(term["name"])] = float(np.quantile(own[both] / others[both], 0.1))
    return found


@signal(unit="factor", **GRAPH)
def term_dominance(log: RunLog) -> float | None:
    """Gradient in the parameters that one term of the loss has for itself, over that in those of the other terms.

    The least but for a tenth of the samples, of the term where it is largest; 1 where no terms share a part of the net.
    """
    found = _ratios(log)
    return max(found.values()) if found else 1.0 if read(log) else None


@signal(unit="name", **GRAPH)
def dominant_term(log: RunLog) -> str | None:
    """The term of the loss with the largest gradient in parameters of its own: function and line."""
    found = _ratios(log)
    return max(found, key=lambda name: found[name]) if found else None


def _mixed(log: RunLog, *, values: bool = False) -> dict[str, Any] | None:
    """Return what was told of the loss whose terms are reduced in the most different ways, over examples or values."""
    told = [event["detail"] for event in log.events if event["kind"] == "mixed-reductions"]
    of_kind = (detail for detail in told if ((detail.get("values") or 1) > 1) is values)
    return max(of_kind, key=lambda detail: float(detail["times"]), default=None)


@signal(unit="x", **GRAPH)
def mixed_reductions(log: RunLog) -> float | None:
    """How many times as much an example counts in a term that is added up over the batch as in one that is averaged.

    1 where the terms of the loss are reduced alike. Penalties on the weights are no such terms.
    """
    told = _mixed(log)
    return float(told["times"]) if told else 1.0 if read(log) else None


@signal(unit="x", **GRAPH)
def mixed_values(log: RunLog) -> float | None:
    """How many times as much a value counts in a term that adds up those of an example as in one that averages them."""
    told = _mixed(log, values=True)
    return float(told["times"]) if told else 1.0 if read(log) else None


@signal(unit="values", **GRAPH)
def averaged_values(log: RunLog) -> int | None:
    """Values of an example over which the one term is averaged, where another adds up its own."""
    told = _mixed(log, values=True)
    return int(told["values"]) if told else None


@signal(unit="name", **GRAPH)
def averaged_term(log: RunLog) -> str | None:
    """Operation that averages the one term."""
    told = _mixed(log) or _mixed(log, values=True)
    return str(told["averaged"]) if told else None


@signal(unit="examples", **GRAPH)
def mixed_examples(log: RunLog) -> int | None:
    """Examples over which the one term is averaged and the other added up."""
    told = _mixed(log)
    return int(told["per_batch"]) if told else None
