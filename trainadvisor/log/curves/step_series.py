"""Curves over the steps of the main phase, and marks on them."""

from typing import Any

import numpy as np

from trainadvisor.log.columns import LARGEST_STEP, Floats, Ints
from trainadvisor.log.curves.decimate import Line, line, rounded, thinned
from trainadvisor.log.curves.players import Player, players
from trainadvisor.log.reader import RunLog

OF_PLAYERS = ("loss", "grad_norm", "clip_norm", "accuracy")
COLUMNS = ("loss", "grad_norm", "clip_norm", "clip_max", "seconds", "wait", "memory", "accuracy", "scale")
MOST_GROUPS, MOST_MARKS, KNOTS, MOST_METRICS = 4, 60, 200, 4
LARGE_CHANGE = 0.2
BLOCK, SPIKE = 25, 2.0
MARKED_EVENTS = ("exception", "resume", "checkpoint", "nonfinite")


def span(log: RunLog) -> dict[str, Any]:
    """Return the first and last step, the number of steps, and the elapsed time at some of them."""
    steps = log.steps
    first, last = (int(steps[0]), int(steps[-1])) if steps.size else (0, 0)
    evaluated = max((record["step"] for record in log.evaluations), default=first)
    return {"first": first, "last": max(last, first, evaluated), "count": int(steps.size), "time": _clock(log)}


def _clock(log: RunLog) -> Line | None:
    """Return the seconds since the start at a few steps, or None when time was not recorded."""
    seconds = log.column("seconds")
    if not np.isfinite(seconds).any():
        return None
    passed = np.cumsum(np.where(np.isfinite(seconds), seconds, 0.0))
    places = np.unique(np.linspace(0, passed.size - 1, KNOTS).astype(int))
    return {"x": log.steps[places].tolist(), "y": rounded(passed[places], 6)}


def series(log: RunLog, points: int) -> dict[str, Any]:
    """Return every recorded curve by name; unrecorded ones are left out."""
    found: dict[str, Any] = {name: line(log.steps, log.column(name), points) for name in COLUMNS}
    taking = players(log)
    for place, player in enumerate(taking):
        found |= {f"{name}.{place}": _of_player(log, player, log.column(name), points) for name in OF_PLAYERS}
    rates = [_of_player(log, player, log.lr, points) for player in taking] or _rates(log, points)
    found |= {f"lr.{group}": curve for group, curve in enumerate(rates)}
    found |= _evaluations(log, points)
    if found["seconds"]:
        found["seconds"]["quantiles"] = _quantiles(log.column("seconds"))
    return {name: curve for name, curve in found.items() if curve}


def _of_player(log: RunLog, player: Player, values: Floats, points: int) -> Line | None:
    """Return a curve over the steps of one of those that take turns."""
    drawn = line(log.steps[player.steps], values[player.steps], points)
    return {**drawn, "player": player.name} if drawn else None


def _quantiles(values: Floats) -> dict[str, float]:
    known = values[np.isfinite(values)]
    return {f"p{percent}": float(f"{np.percentile(known, percent):.4g}") for percent in (50, 95, 99)}


def _rates(log: RunLog, points: int) -> list[Line | None]:
    """Return the learning rate of each parameter group; identical curves appear once."""
    distinct: list[Floats] = []
    for group in log.lr_groups.T:
        if not any(np.array_equal(group, other, equal_nan=True) for other in distinct):
            distinct.append(group)
    return [line(log.steps, group, points) for group in distinct[:MOST_GROUPS]]


def _evaluations(log: RunLog, points: int) -> dict[str, Line | None]:
    names = list(dict.fromkeys(name for record in log.evals for name in record["metrics"]))[:MOST_METRICS]
    found = {"val.loss": _evaluation(log, [record.get("loss") for record in log.evals], points)}
    for name in names:
        found[f"metric.{name}"] = _evaluation(log, [record["metrics"].get(name) for record in log.evals], points)
    return found


def _evaluation(log: RunLog, values: list[Any], points: int) -> Line | None:
    steps = np.array([record["step"] for record in log.evals], dtype=np.int64)
    numbers = np.array([v if isinstance(v, (int, float)) else np.nan for v in values], dtype=np.float64)
    order = np.argsort(steps, kind="stable")
    return line(steps[order], numbers[order], points)


def marks(log: RunLog) -> dict[str, Any]:
    """Return the events at single steps; each list is short enough to draw."""
    return {
        "nonfinite": _ranges(log.steps, _nonfinite(log)),
        "spikes": _thin(_spiked(log)),
        "lr": _rate_changes(log),
        "epochs": _epochs(log),
        "best": _best(log),
        "events": _events(log),
    }


def _thin(steps: Ints, most: int = MOST_MARKS) -> list[int]:
    return thinned(steps.tolist(), most)


def _nonfinite(log: RunLog) -> Any:
    """Return a mask of steps with a non-finite loss; in an imported log a gap counts only when no value follows it."""
    loss = log.column("loss")
    finite = np.isfinite(loss)
    seen = any(event["kind"] == "nonfinite" and event["subject"] == "loss" for event in log.events)
    if not (finite.any() or seen):
        return np.zeros(loss.size, dtype=bool)
    if log.header.get("source", "recorder") == "recorder":
        return ~finite
    places = np.flatnonzero(finite)
    lasting = places.size and loss.size - places[-1] > 3 * np.max(np.diff(places), initial=1)
    return np.isinf(loss) | (bool(lasting) & (np.arange(loss.size) > places[-1]) if places.size else False)


def _ranges(steps: Ints, chosen: Any) -> list[list[int]]:
    """Return the first and last step of each unbroken stretch; when there are too many, stretches are merged."""
    edges = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    pairs = edges.reshape(-1, 2)
    if len(pairs) > MOST_MARKS:
        pieces = np.array_split(pairs, MOST_MARKS)
        pairs = np.array([[piece[0, 0], piece[-1, 1]] for piece in pieces])
    return [[int(steps[start]), int(steps[stop - 1])] for start, stop in pairs.tolist()]


def _spiked(log: RunLog) -> Ints:
    """Return the steps whose loss spikes, among those of the same player where several take turns."""
    loss, taking = log.column("loss"), players(log)
    own = [player.steps for player in taking] or [np.ones(loss.size, dtype=bool)]
    spiked: Ints = np.sort(np.concatenate([log.steps[steps][_spikes(loss[steps])] for steps in own]))
    return spiked


def _spikes(loss: Floats) -> Any:
    """Return a mask of the losses that exceed twice the median of the surrounding steps."""
    count = loss.size // BLOCK * BLOCK
    spiking = np.zeros(loss.size, dtype=bool)
    if count < 4 * BLOCK or not np.isfinite(loss).any():
        return spiking
    with np.errstate(invalid="ignore"):
        filled = np.where(np.isfinite(loss[:count]), loss[:count], np.inf)
        usual = np.repeat(np.median(filled.reshape(-1, BLOCK), axis=1), BLOCK)
        spiking[:count] = (filled > SPIKE * usual) & (usual > 0) & np.isfinite(loss[:count])
    spiking[:BLOCK] = False  # the loss falls fastest at the start
    return spiking


def _rate_changes(log: RunLog) -> list[int]:
    """Return the steps at which the learning rate jumps, none when it changes at every step."""
    rates = log.lr
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        change = np.abs(np.diff(rates)) / np.maximum(np.abs(rates[:-1]), 1e-30)
    steps = log.steps[1:][change > LARGE_CHANGE] if rates.size > 1 else log.steps[:0]
    return steps.tolist() if steps.size <= MOST_MARKS else []


def _epochs(log: RunLog) -> list[list[int]]:
    """Return pairs of step and epoch at which an epoch starts; a later training counts its own."""
    epochs = log.column("epoch") - _earlier_epochs(log)
    with np.errstate(invalid="ignore"):
        starts = np.flatnonzero((np.diff(epochs, prepend=-1) > 0) & (epochs < LARGEST_STEP))
    return thinned([[int(log.steps[place]), int(epochs[place])] for place in thinned(starts.tolist(), 40)], 40)


def _earlier_epochs(log: RunLog) -> int:
    """Return the passes over the loader that an earlier training of the process has made."""
    first = log.column("epoch")[:1]
    return int(first[0]) if log.phase.start and np.isfinite(first).all() and first.size else 0


def _best(log: RunLog) -> dict[str, Any] | None:
    known = [(r["loss"], r["step"], r.get("epoch")) for r in log.evals if isinstance(r.get("loss"), (int, float))]
    finite = [item for item in known if np.isfinite(item[0])]
    if not finite:
        return None
    loss, step, epoch = min(finite, key=lambda item: item[0])
    return {"loss": loss, "step": step, "epoch": epoch}


def _events(log: RunLog) -> list[dict[str, Any]]:
    inside = [
        e for e in log.events if e["kind"] in MARKED_EVENTS and log.phase.first <= e["step"] <= log.phase.last + 1
    ]
    return [{"kind": e["kind"], "step": e["step"], "subject": e["subject"][:80]} for e in thinned(inside, MOST_MARKS)]
