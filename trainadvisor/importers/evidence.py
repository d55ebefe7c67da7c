"""What the points of a foreign log show beside their values: losses and norms that are NaN, norms never measured."""

import math
from collections.abc import Iterator
from typing import Any

from trainadvisor.importers.column_names import Columns
from trainadvisor.importers.points import Point

Record = dict[str, Any]

# Points in a row that are more than a step that a loss scaler skipped.
FEWEST = 3


def passing(kept: list[Point], columns: Columns) -> Iterator[Record]:
    """Yield an event for each loss that was not finite at some points and finite at a later one."""
    parts = sorted(name for name in columns.beside if "loss" in name.lower())
    series = {"loss": [point.loss for point in kept]}
    series |= {name: [point.beside.get(name) for point in kept] for name in parts}
    told = [(name, found) for name, values in series.items() if (found := _came_back(values))]
    for name, places in told if len(told) == 1 else [item for item in told if item[0] != "loss"]:
        detail = {"count": len(places), "points": len(kept)}
        yield {
            "record": "event", "kind": "nonfinite-points", "step": kept[places[0]].step, "subject": name,
            "detail": detail,
        }  # fmt: skip


def _came_back(values: list[float | None]) -> list[int]:
    """Return the places that are not finite before the last finite one."""
    finite = [place for place, value in enumerate(values) if value is not None and math.isfinite(value)]
    last = finite[-1] if finite else 0
    return [place for place, value in enumerate(values[:last]) if value is not None and not math.isfinite(value)]


def lost_gradients(kept: list[Point]) -> Iterator[Record]:
    """Yield an event where from some point on no gradient norm is finite any more."""
    norms = [(point.step, math.isfinite(point.grad_norm)) for point in kept if point.grad_norm is not None]
    last = max((place for place, (_, finite) in enumerate(norms) if finite), default=-1)
    if len(norms) - 1 - last >= FEWEST:
        yield {
            "record": "event", "kind": "nonfinite-gradients", "step": norms[last + 1][0], "subject": "grad_norm",
            "detail": {"count": len(norms) - 1 - last, "points": len(norms)},
        }  # fmt: skip


def unmeasured(kept: list[Point]) -> list[str]:
    """Take a gradient norm away that is 0 at every point, where some writers put what they did not measure."""
    norms = [point.grad_norm for point in kept if point.grad_norm is not None]
    learns = len({point.loss for point in kept if point.loss is not None}) > 1
    if not norms or any(norms) or not learns:
        return []
    for point in kept:
        point.grad_norm = None
    return ["the gradient norm is written as 0 throughout: it was not measured"]
