"""Reads the logs of a training's other processes and combines what only all of them together know."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainadvisor.errors import LogError
from trainadvisor.log import rank_logs
from trainadvisor.log.cleaning import number, whole
from trainadvisor.log.columns import Floats
from trainadvisor.log.layer_samples import Sample

if TYPE_CHECKING:
    from trainadvisor.log.reader import RunLog

# Most processes whose logs are read; of more, the first ones.
MOST_PROCESSES = 64
# Seconds within which all processes of a launch start; a log from another time belongs to another run.
_SAME_LAUNCH = 600.0
_LEAST_STEPS = 10
_TINY = 1e-12
# Steps at the start of each process that are not timed.
_SETTLING = 2

Reader = Callable[[Path], "RunLog"]
Samples = dict[str, list[Sample]]
# Checksums of the weights by model and number of steps taken.
Sums = dict[tuple[int, int], dict[str, Any]]


def combine(log: "RunLog", read: Reader) -> None:
    """Add what the other processes recorded to the first process's log; in another log, only mark its shards."""
    size = whole(log.header.get("world_size")) or 1
    if size == 1:
        return
    first = not (log.header.get("rank") or rank_logs.is_numbered(log.path))
    processes = [_Process.of(log, log), *(_others(log, min(size, MOST_PROCESSES), read) if first else ())]
    complete = len(processes) == size
    log.processes = len(processes)
    if len(processes) == 1:
        log.notes.append(f"the logs of the other {size - 1} processes are not beside this one: it is judged alone")
    elif not complete:
        log.notes.append(f"{len(processes)} of {size} processes are compared; the logs of the others were not read")
    if len(processes) > 1:
        _compare(log, processes, complete=complete)
        _take_failure(log, processes[1:])
    _join_shards(log, processes, complete=complete)


def _compare(log: "RunLog", processes: list["_Process"], *, complete: bool) -> None:
    events = [*_replicas(log, [process.sums for process in processes]), *(_times(log, processes) if complete else ())]
    log.events += [{"record": "event", "subject": "", **event} for event in events]


def _take_failure(log: "RunLog", others: list["_Process"]) -> None:
    """Have a run failed in which another process did: the first one may have come to its end without it."""
    raised = next((event for other in others for event in other.raised), None)
    if raised is not None and not _raised(log):
        log.events.append(raised)


def _raised(log: "RunLog") -> list[dict[str, Any]]:
    return [event for event in log.events if event.get("kind") == "exception"]


@dataclass
class _Process:
    """What is kept of one process's log while all of them are read."""

    sums: Sums
    # Median time that the process itself spends on a step, in seconds.
    seconds: float | None
    norms: dict[float, float]
    samples: dict[int, Samples]
    # What ended the process.
    raised: list[dict[str, Any]]

    @classmethod
    def of(cls, log: "RunLog", first: "RunLog") -> "_Process":
        """Extract what is needed from a log; norms and samples only where the first log has shards."""
        sharded = [model["id"] for model in first.models if any(p.get("parts") for p in model["parameters"])]
        norms = zip(*(log.whole_column(name).tolist() for name in ("step", "grad_norm")), strict=True)
        samples = {number: log.samples_of(number) for number in sharded}
        return cls(_sums(log), _own_seconds(log), dict(norms) if sharded else {}, samples, _raised(log))


def _others(log: "RunLog", size: int, read: Reader) -> Iterator[_Process]:
    for rank in range(1, size):
        path = rank_logs.path_of(log.path, rank)
        if not path.is_file():
            continue
        try:
            other = read(path)
        except LogError as error:
            log.notes.append(str(error))
            continue
        if _same_launch(log.header, other.header, rank):
            yield _Process.of(other, log)


def _same_launch(one: dict[str, Any], other: dict[str, Any], rank: int) -> bool:
    if any(one.get(key) != other.get(key) for key in ("world_size", "job")) or other.get("rank") != rank:
        return False
    try:
        begun = [datetime.fromisoformat(str(header["created"])) for header in (one, other)]
        return abs((begun[0] - begun[1]).total_seconds()) < _SAME_LAUNCH
    except (KeyError, ValueError, TypeError):
        return True


# -- replicas


def _sums(log: "RunLog") -> Sums:
    details = [event["detail"] for event in log.events if event.get("kind") == "weights"]
    return {
        (detail["model"], detail["after"]): detail
        for detail in details
        if whole(detail.get("model")) is not None
        and whole(detail.get("after")) is not None
        and isinstance(detail.get("sums"), list)
    }


def _replicas(log: "RunLog", found: list[Sums]) -> Iterator[dict[str, Any]]:
    """Compare the weight checksums of all processes at every step where each process has one."""
    common = sorted(set.intersection(*(set(sums) for sums in found)), key=lambda key: (key[1], key[0]))
    copies: dict[int, set[int]] = {}
    for model, after in common:
        rows = [sums[model, after] for sums in found]
        if len({len(row["sums"]) for row in rows}) > 1:
            continue
        columns = list(zip(*(row["sums"] for row in rows), strict=True))
        different = {index for index, values in enumerate(columns) if len(set(values)) > 1}
        known = copies.setdefault(model, set())
        known |= _known_copies(rows, different)
        if known and after:
            yield _compared(log, model, after, known, known & different)


def _known_copies(rows: list[dict[str, Any]], different: set[int]) -> set[int]:
    """Return the replicated rows: wrapped in DistributedDataParallel, or with the same random initial values."""
    recorded = {index for index in range(len(rows[0]["sums"])) if all(row["sums"][index] is not None for row in rows)}
    if all(row.get("replicated") is True for row in rows):
        return recorded
    varied = rows[0].get("varied")  # known of the initial weights
    if not isinstance(varied, list):
        return set()
    return {index for index in recorded - different if index < len(varied) and varied[index]}


def _compared(log: "RunLog", model: int, after: int, copies: set[int], different: set[int]) -> dict[str, Any]:
    named: list[Any] = next((m["parameters"] for m in log.models if m["id"] == model), [])
    first = min(different, default=None)
    name = named[first]["name"] if first is not None and first < len(named) else None
    detail = {"model": model, "parameters": len(copies), "different": len(different), "first": name}
    return {"kind": "replicas", "step": after - 1, "detail": detail}


# -- load


def _own_seconds(log: "RunLog") -> float | None:
    own = log.column("own")[_SETTLING:]
    own = own[np.isfinite(own)]
    return float(np.median(own)) if own.size >= _LEAST_STEPS else None


def _times(log: "RunLog", processes: list[_Process]) -> Iterator[dict[str, Any]]:
    seconds = [process.seconds for process in processes]
    if None not in seconds:
        yield {"kind": "ranks", "step": int(log.steps[-1]), "detail": {"step_seconds": seconds}}


# -- shards


def _join_shards(log: "RunLog", processes: list[_Process], *, complete: bool) -> None:
    """Replace the norms of shards by those of the whole parameters; where a process is missing they are unknown."""
    for model in log.models:
        parts = np.array([number(p.get("parts")) or np.nan for p in model["parameters"]])
        if not np.isfinite(parts).any():
            continue
        copies = len(processes) / parts  # nan: the parameter is not sharded
        even = complete and bool(np.ptp(copies) == 0)
        norms = [process.norms for process in processes]
        unknown = np.full(log.all_steps_count, np.nan)
        log.replace_column("grad_norm", _total(norms, float(copies[0])) if even else unknown)
        _join_samples([process.samples[model["id"]] for process in processes], copies, complete=complete)


def _total(norms: list[dict[float, float]], copies: float) -> Floats:
    """Return the norm over all processes at the steps, none at the start, where each one measured its shard."""
    squares = [[part.get(step, np.nan) ** 2 for part in norms] for step in norms[0]]
    total: Floats = np.sqrt(np.reshape(squares, (-1, len(norms))).sum(axis=1) / copies)
    return total


def _join_samples(found: list[Samples], copies: Floats, *, complete: bool) -> None:
    """Replace the first process's parameter columns by those of the whole parameters."""
    joined = {name: _joined([samples.get(name, []) for samples in found], copies) for name in ("grad", "weight")}
    moved = [_moved(samples) for samples in found]
    weight_of = {step: row for step, _, row in joined["weight"]}
    joined["update"] = [
        (step, table, row / (weight_of[step] + _TINY))
        for step, table, row in _joined(moved, copies)
        if step in weight_of
    ]
    for name, samples in joined.items():
        if name in found[0]:
            found[0][name] = samples if complete else []


def _joined(columns: list[list[Sample]], copies: Floats) -> list[Sample]:
    """Return the norms of whole parameters at the steps that all processes sampled."""
    rows = [{step: row for step, _, row in column if row.size == copies.size} for column in columns]
    common = sorted(set.intersection(*(set(row) for row in rows)))
    return [(step, -1, _whole_norm(np.stack([row[step] for row in rows]), copies)) for step in common]


def _whole_norm(parts: Floats, copies: Floats) -> Floats:
    """Return the norm from the sum of squares; nan where a process has no number for its part of a parameter."""
    total = np.sqrt(np.nansum(parts**2, axis=0) / copies)
    total[np.isnan(parts).all(axis=0)] = np.nan
    whole: Floats = np.where(np.isnan(copies), parts[0], total)
    return whole


def _moved(samples: Samples) -> list[Sample]:
    """Return the size of each parameter's update: its update ratio times its norm."""
    weights = {step: row for step, _, row in samples.get("weight", [])}
    updates = [(step, row) for step, _, row in samples.get("update", []) if step in weights]
    return [(step, -1, row * weights[step]) for step, row in updates if row.size == weights[step].size]
