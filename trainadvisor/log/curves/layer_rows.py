"""One row per layer: what it is and what was measured over the run, the most suspicious layers first."""

import math
from typing import Any

import numpy as np

from trainadvisor.log.columns import Floats
from trainadvisor.log.curves.decimate import Line, line
from trainadvisor.log.layer_samples import LayerSeries
from trainadvisor.log.reader import RunLog

MOST_LAYERS = 2000
LONGEST_NAME = 120
USUAL = (1e-4, 1e-2)
FIELDS = ("name", "kind", "parameters", "grad", "update", "mean", "std", "dead", "bad_step")
Row = dict[str, Any]


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name, shortened in the middle when it is very long."""
    half = longest // 2
    return name if len(name) <= longest else f"{name[: half - 2]}...{name[-half + 1 :]}"


def table(log: RunLog) -> dict[str, Any]:
    """Return the layers as rows of FIELDS, worst first, and the total number of layers."""
    rows = sorted(_rows(log.layers), key=suspicion, reverse=True)
    listed = [[row.get(field) for field in FIELDS] for row in rows[:MOST_LAYERS]]
    return {"fields": list(FIELDS), "rows": listed, "count": len(rows)}


def layer_names(log: RunLog) -> list[str]:
    """Return the names of the layers with measurements, in model order."""
    names = [*by_layer(log.layers, "grad")[0], *by_layer(log.layers, "update")[0], *log.layers.names("act")]
    return list(dict.fromkeys(names))


def history(log: RunLog, layer: str, points: int) -> dict[str, Line]:
    """Return the curves of one layer by quantity; quantities that were not measured are left out."""
    series = log.layers
    found: dict[str, Line | None] = {}
    for name in ("grad", "update", "act_std", "act_dead"):
        names, values = (
            by_layer(series, name) if name in ("grad", "update") else (series.names("act"), series.column(name))
        )
        if layer in names and len(values):
            found[name] = line(series.steps_of(name), values[:, names.index(layer)], points)
    return {name: curve for name, curve in found.items() if curve}


def suspicion(row: Row) -> tuple[bool, bool, float]:
    """Return the sort key of a layer: non-finite values, then no gradient, then dead units and unusual update sizes."""
    update, unusual = row.get("update") or 0.0, 0.0
    if update > 0:
        unusual = max(0.0, math.log10(USUAL[0] / update), math.log10(update / USUAL[1]))
    return row.get("bad_step") is not None, row.get("grad") == 0, unusual + 10 * (row.get("dead") or 0.0)


def _rows(series: LayerSeries) -> list[Row]:
    """Merge what the model, its parameters and its activations say about each layer."""
    rows: dict[str, Row] = {layer["name"]: _named(layer) for layer in series.model["layers"]}
    for row in series.rows("act"):
        rows.setdefault(str(row.get("name", "?")), _named(row))
    for parameter in series.model["parameters"]:
        row = rows.setdefault(parameter["layer"], _named({"name": parameter["layer"]}))
        row["parameters"] += parameter["count"]
    _add_parameters(rows, series)
    _add_activations(rows, series)
    return [row for row in rows.values() if len(row) > 3]  # noqa: PLR2004 - name, kind and size alone say nothing


def _named(fact: dict[str, Any]) -> Row:
    return {"name": shortened(str(fact.get("name", "?"))), "kind": str(fact.get("kind") or ""), "parameters": 0}


def by_layer(series: LayerSeries, name: str) -> tuple[list[str], Floats]:
    """Return layer names, and samples x layers: gradient RMS, or the update ratio of the largest parameter."""
    values = series.column(name)
    groups: dict[str, list[int]] = {}
    for place, parameter in enumerate(series.model["parameters"]):
        groups.setdefault(parameter["layer"] or parameter["name"], []).append(place)
    counts = np.array([max(p["count"], 1) for p in series.model["parameters"]], dtype=np.float64)
    if not groups or not len(values):
        return [], np.empty((0, 0))
    joined = [
        _rms(values[:, g], counts[g]) if name == "grad" else _main(values[:, g], counts[g]) for g in groups.values()
    ]
    return list(groups), np.stack(joined, axis=1)


def _rms(norms: Floats, counts: Floats) -> Floats:
    """Return the root mean square of the elements of several tensors; nan where none has a gradient."""
    none = np.isnan(norms).all(axis=1)
    with np.errstate(over="ignore"):
        square = np.nansum(norms**2, axis=1) / counts.sum()
    rms: Floats = np.where(none, np.nan, np.sqrt(square))
    return rms


def _main(values: Floats, counts: Floats) -> Floats:
    main: Floats = values[:, int(counts.argmax())]
    return main


def _add_parameters(rows: dict[str, Row], series: LayerSeries) -> None:
    for field in ("grad", "update"):
        names, values = by_layer(series, field)
        for place, name in enumerate(names):
            row = rows.setdefault(name, _named({"name": name}))
            row[field] = _median(values[:, place])
            if field == "grad":
                _note_bad(row, series, field, values[:, place])


def _add_activations(rows: dict[str, Row], series: LayerSeries) -> None:
    names = series.names("act")
    for field, column in (("mean", "act_mean"), ("std", "act_std"), ("dead", "act_dead")):
        values = series.column(column)
        for place, name in enumerate(names if len(values) else []):
            row = rows[name]
            row[field] = _last(values[:, place]) if field == "dead" else _median(values[:, place])
    counts = series.column("act_nonfinite")
    for place, name in enumerate(names if len(counts) else []):
        _note_bad(rows[name], series, "act_nonfinite", np.where(counts[:, place] > 0, np.inf, 0.0))


def _note_bad(row: Row, series: LayerSeries, column: str, values: Floats) -> None:
    """Record the first step at which a layer had a non-finite value."""
    bad = np.flatnonzero(np.isinf(values))
    if bad.size:
        step = int(series.steps_of(column)[bad[0]])
        row["bad_step"] = min(step, row.get("bad_step", step))


def _median(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(f"{np.median(known):.4g}") if known.size else None


def _last(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(f"{known[-1]:.4g}") if known.size else None
