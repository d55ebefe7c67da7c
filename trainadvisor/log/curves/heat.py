"""Heat maps of layers over steps as small matrices: where something starts, and when."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats, Ints
from trainadvisor.log.curves.layer_rows import by_layer, shortened
from trainadvisor.log.layer_samples import LayerSeries
from trainadvisor.log.reader import RunLog

ROWS, COLUMNS = 60, 200
FEWEST_GROUPS = 12
# Marks a cell whose value was not finite.
BEYOND = "inf"


def maps(log: RunLog) -> dict[str, Any]:
    """Return one map per quantity: its steps, its row names, and one list of numbers per row."""
    return {name: found for name, found in _maps(log) if found}


def _maps(log: RunLog) -> Iterator[tuple[str, dict[str, Any] | None]]:
    series = log.layers
    kinds = {str(layer["name"]): str(layer.get("kind") or "") for layer in series.model["layers"]}
    for name in ("grad", "update"):
        names, values = by_layer(series, name)
        yield name, _map(series.steps_of(name), names, values, kinds)
    for name, columns in (("activation", ("act_std", "act_rms")), ("dead", ("act_dead",))):
        column = next((column for column in columns if column in series), None)
        if column:
            yield name, _map(series.steps_of(column), series.names("act"), _activations(series, column), kinds)


def _activations(series: LayerSeries, column: str) -> Floats:
    """Return a column in which values counted as non-finite are infinite instead of missing."""
    values, counts = series.column(column), series.column("act_nonfinite")
    places = {step: place for place, step in enumerate(series.steps_of("act_nonfinite").tolist())}
    marked = values.copy()
    for place, step in enumerate(series.steps_of(column).tolist()):
        if step in places:
            marked[place, counts[places[step]] > 0] = np.inf
    return marked


def _map(steps: Ints, names: list[str], values: Floats, kinds: dict[str, str]) -> dict[str, Any] | None:
    """Return a map with at most 60 rows and 200 columns; a layer is told with its kind, a group by its name alone."""
    drawn = [row for row in range(len(names)) if not np.isnan(values[:, row]).all()] if values.size else []
    if not drawn:
        return None
    names, values = [names[row] for row in drawn], values[:, drawn]
    groups = grouped(names)
    rows = np.stack([_largest(values[:, group], axis=1) for group in groups.values()])
    steps, rows = _fewer(steps, rows)
    return {
        "steps": steps.tolist(),
        "names": [
            _told(label, names[group[0]], kinds) if len(group) == 1 else label for label, group in groups.items()
        ],
        "layers": len(names),
        "rows": [[_cell(value) for value in row] for row in rows.tolist()],
    }


def grouped(names: list[str], most: int = ROWS) -> dict[str, list[int]]:
    """Return the rows of each group: by name prefix if possible, else evenly; few rows are not grouped."""
    if len(names) <= most:
        return {_unique(name, place, names): [place] for place, name in enumerate(names)}
    for depth in range(max(name.count(".") for name in names), 0, -1):
        groups: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            groups.setdefault(shortened(".".join(name.split(".")[:depth])), []).append(place)
        if FEWEST_GROUPS <= len(groups) <= most:
            return groups
    pieces = np.array_split(np.arange(len(names)), most)
    return {f"{shortened(names[p[0]], 40)} .. {shortened(names[p[-1]], 40)}": p.tolist() for p in pieces}


def _told(label: str, name: str, kinds: dict[str, str]) -> str:
    return f"{label} {kinds[name]}" if kinds.get(name) else label


def _unique(name: str, place: int, names: list[str]) -> str:
    short = shortened(name)
    return short if names.index(name) == place else f"{short} #{place}"


def _largest(values: Floats, axis: int) -> Floats:
    """Return the largest value of each group, nan only where all are nan."""
    filled = np.where(np.isnan(values), -np.inf, values).max(axis=axis)
    largest: Floats = np.where(np.isneginf(filled), np.nan, filled)
    return largest


def _fewer(steps: Ints, rows: Floats) -> tuple[Ints, Floats]:
    """Merge neighboring samples so that at most 200 are left; each keeps its largest value."""
    if steps.size <= COLUMNS:
        return steps, rows
    pieces = np.array_split(np.arange(steps.size), COLUMNS)
    return steps[[p[0] for p in pieces]], np.stack([_largest(rows[:, p], axis=1) for p in pieces], axis=1)


def _cell(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return float(f"{value:.3g}") if math.isfinite(value) else BEYOND
