"""Modules of one list and one shape, as the experts of a mixture: which of them are used late in a run."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.memory import remembered
from trainadvisor.signals.robust_statistics import finite, median

SIBLINGS = {"needs": "gradients of modules of one shape in a list", "zh": "同一列表中同形模块的梯度"}
LEAST_SIBLINGS, LEAST_SAMPLES = 3, 6
# Samples that are enough where a batch has so many examples for each module: one that is used is in each of them.
FEW_SAMPLES, MANY_EXAMPLES = 3, 8
# Part of the run after which samples stand for its second half.
EARLIEST = 0.4
# Part of the samples in which a module that counts as used has a gradient.
USED = 0.02


@dataclass(frozen=True)
class Siblings:
    """A list of modules of one shape, and how they were used."""

    name: str
    count: int
    # Those that had no gradient in late samples.
    idle: int
    # Most that had one in the same sample.
    together: int
    routed: bool


def _groups(parameters: list[dict[str, Any]]) -> dict[str, dict[int, list[int]]]:
    """Return the rows of the parameters of each module of a list, by the name of the list."""
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, parameter in enumerate(parameters):
        for match in re.finditer(r"(?:^|(?<=\.))(\d+)\.", str(parameter.get("name", ""))):
            found[parameter["name"][: match.start()].rstrip(".")][int(match[1])].append(row)
    return found


def _shapes(parameters: list[dict[str, Any]], rows: list[int]) -> list[Any]:
    return [parameters[row]["shape"] for row in rows]


def _alike(parameters: list[dict[str, Any]], members: dict[int, list[int]]) -> bool:
    """Return whether there are several modules, all of one shape."""
    shapes = [_shapes(parameters, rows) for rows in members.values()]
    return len(members) >= LEAST_SIBLINGS and all(other == shapes[0] for other in shapes)


def _chosen(parameters: list[dict[str, Any]], name: str, count: int) -> bool:
    """Return whether a layer beside the list has an output for each of its modules: a router."""
    parent = name.rpartition(".")[0]
    beside = (p for p in parameters if not str(p["name"]).startswith(f"{name}.") and len(p["shape"]) == 2)
    return any(p["shape"][0] == count and str(p["name"]).startswith(parent) for p in beside)


def _used(gradients: Floats, members: dict[int, list[int]]) -> Any:
    """Return samples x modules: whether any parameter of a module has a gradient that is not zero."""
    return np.stack([np.any(gradients[:, rows] > 0, axis=1) for _, rows in sorted(members.items())], axis=1)


def _of(log: RunLog) -> list[Siblings] | None:
    """Return the lists of a model whose use was seen, None where too few samples tell."""
    gradients, steps = log.layers.column("grad"), log.layers.steps_of("grad")
    parameters = log.layers.rows()
    groups = {name: members for name, members in _groups(parameters).items() if _alike(parameters, members)}
    if parameters and not groups:
        return []
    if steps.size < LEAST_SAMPLES or _begin(log, FEW_SAMPLES) is None:
        return None
    batches = finite(log.column("batch"))
    examples = median(batches) if batches.size else 0.0
    called = _called(log, 0.0) or set()
    found = []
    for name, members in groups.items():
        begin = _begin(log, FEW_SAMPLES if examples >= MANY_EXAMPLES * len(members) else LEAST_SAMPLES)
        if begin is None:
            return None
        used = _used(gradients, members)
        late = used[steps >= begin].mean(0) >= USED
        ordered = [{parameters[row]["layer"] for row in rows} for _, rows in sorted(members.items())]
        if not any(layers & called for layers in ordered):
            continue  # calls are not observed in this model
        now = _called(log, begin)
        # where no late call was looked at, one that had a gradient before and has none is not called
        seen = [bool(layers & (called if now is None else now)) for layers in ordered]
        if now is None:
            seen = [call and not ever for call, ever in zip(seen, used.any(0), strict=True)]
        idle = sum(not busy and not call for busy, call in zip(late, seen, strict=True))
        routed = _chosen(parameters, name, len(members))
        found.append(Siblings(name, len(members), idle, int(used.sum(1).max()), routed))
    return found


def _called(log: RunLog, begin: float) -> set[str] | None:
    """Return the layers that were called in the samples from a step on; None where no call was looked at there."""
    steps, rows = log.layers.steps_of("act_rms"), log.layers.rows("act")
    names = [str(row.get("layer") or "") for row in rows]
    if not begin:
        return set(names)
    looked = log.layers.column("act_rms")[steps >= begin]
    if not len(looked):
        return None
    known = np.flatnonzero(np.isfinite(looked).any(axis=0))
    return {names[column] for column in known}


def _begin(log: RunLog, least: int) -> float | None:
    """Return the step from which on samples stand for the second half; a run with little to spend takes few of them."""
    begin = min(log.steps[-1] / 2, log.layers.steps_of("grad")[-least])
    return float(begin) if begin >= EARLIEST * log.steps[-1] else None


@remembered
def lists(log: RunLog) -> list[Siblings] | None:
    """Return the lists of modules that are chosen from, None where too few samples tell."""
    known = _of(log)
    return known and [group for group in known if group.routed or 2 * group.together >= group.count]


def _worst(log: RunLog) -> Siblings | None:
    """Return the list most of which lies idle, of those that are chosen from."""
    return max(lists(log) or [], key=lambda group: group.idle / group.count, default=None)


@signal(unit="share", **SIBLINGS, about="no-experts")
def sibling_idle_share(log: RunLog) -> float | None:
    """Share of the modules of a list (experts) that were not called in any sample of the second half of the run.

    Only lists of which many were used in one step before, or beside which a layer has an output for each; 0 where a
    model has none.
    """
    worst = _worst(log)
    if worst is None:
        return None if lists(log) is None else 0.0
    return worst.idle / worst.count


@signal(unit="modules", **SIBLINGS)
def sibling_idle(log: RunLog) -> int | None:
    """Number of modules of that list that lie idle."""
    worst = _worst(log)
    return None if worst is None else worst.idle


@signal(unit="modules", **SIBLINGS)
def sibling_count(log: RunLog) -> int | None:
    """Number of modules of that list."""
    worst = _worst(log)
    return None if worst is None else worst.count


@signal(unit="name", **SIBLINGS)
def sibling_list(log: RunLog) -> str | None:
    """Name of that list."""
    worst = _worst(log)
    return None if worst is None else worst.name
