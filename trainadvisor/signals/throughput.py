"""Where the time goes: waiting for data, stalls, synchronization, memory."""

from typing import Any

import numpy as np
import numpy.typing as npt

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import robust_statistics, signal
from trainadvisor.signals.robust_statistics import median
from trainadvisor.signals.wiring import count, first_step

TIMES = {"needs": "the seconds of each step", "zh": "每一步的耗时"}
WAITS = {"needs": "the seconds of each step and the waiting for the loader", "zh": "每一步的耗时以及等待数据的时间"}
MEMORY = {"needs": "the memory of the process or the device every few steps", "zh": "每隔数步的进程或设备内存"}
SAVES = {"needs": "checkpoints written by torch.save", "zh": "由 torch.save 写出的检查点"}
LEAST_STEPS = 20
WARM_UP = 3
OUTLIER_RATIO, OUTLIER_SECONDS = 5.0, 0.01
WARM_MEMORY = 0.2
LEAST_MEMORY = 10
MIN_PERIOD, MOST_GAPS = 5, 400

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def _planned_pause(log: RunLog) -> Mask:
    """Return the steps right after an evaluation or at an epoch's start, whose time includes more than the step."""
    epochs = log.column("epoch")
    opening = np.concatenate([[True], np.diff(epochs) > 0]) if epochs.size else np.empty(0, dtype=bool)
    behind = np.isin(log.steps, [record["step"] for record in log.evaluations])
    return np.asarray(opening | behind)


def _timed(log: RunLog) -> Mask:
    """Return the steps that are timed: warm-up and planned pauses are left out."""
    known = np.isfinite(log.column("seconds")) & ~_planned_pause(log)
    known[:WARM_UP] = False
    return np.asarray(known)


def _seconds(log: RunLog) -> Floats | None:
    values = log.column("seconds")[_timed(log)]
    return values if values.size >= LEAST_STEPS else None


@signal(unit="seconds", **TIMES)
def step_seconds(log: RunLog) -> float | None:
    """Median time of an optimizer step, from one step to the next."""
    values = _seconds(log)
    return None if values is None else median(values)


@signal(unit="seconds", **TIMES)
def stepping_seconds(log: RunLog) -> float | None:
    """Time of all steps together, warm-up and evaluations left out."""
    values = _seconds(log)
    return None if values is None else float(values.sum())


def _covered(log: RunLog, first: int) -> int:
    """Return how many steps there were from a record on, the left-out ones included."""
    return int(np.ptp(log.steps[first:])) + 1


# -- waiting for data


def _waits(log: RunLog) -> Floats | None:
    kept = _timed(log) & np.isfinite(log.column("wait"))
    return log.column("wait")[kept] if kept.sum() >= LEAST_STEPS else None


@signal(unit="seconds", **WAITS)
def wait_seconds(log: RunLog) -> float | None:
    """Median time a step waits for its batch."""
    values = _waits(log)
    return None if values is None else median(values)


@signal(unit="share", **WAITS)
def wait_share(log: RunLog) -> float | None:
    """Median waiting for data over the median step time."""
    wait, step = wait_seconds(log), step_seconds(log)
    return min(wait / step, 1.0) if wait is not None and step else None


@signal(unit="seconds", **WAITS)
def wait_lost(log: RunLog) -> float | None:
    """Total time that the steps waited for data; those without a record waited as long as the others."""
    values = _waits(log)
    return None if values is None else float(values.sum()) * _covered(log, 0) / log.steps.size


@signal(unit="factor", **WAITS)
def wait_ceiling(log: RunLog) -> float | None:
    """Largest possible speed-up if no step waited for data: 1 / (1 - wait share)."""
    part = wait_share(log)
    return None if part is None else 1 / max(1 - part, 0.01)


@signal(unit="workers", needs="the DataLoader of the training", zh="训练所用的 DataLoader")
def loader_workers(log: RunLog) -> int | None:
    """Number of worker processes of the training loader."""
    loaders = [loader for loader in log.loaders if loader["role"] == "train"]
    workers = number(loaders[-1].get("workers")) if loaders else None
    return None if workers is None else int(workers)


@signal(unit="cores", needs="the header of the log", zh="日志头部")
def cores(log: RunLog) -> int | None:
    """Number of CPU cores of the machine."""
    seen = number(log.header.get("cores"))
    return None if seen is None else int(seen)


# -- stalls


def _busier(log: RunLog) -> Mask:
    """Return the steps with more backward passes than usual: they take longer because they do more."""
    passes = log.column("micro")
    known = robust_statistics.finite(passes)
    return np.asarray(passes > (robust_statistics.median(known) if known.size else np.inf))


def _stalled(log: RunLog) -> Mask:
    values, usual = log.column("seconds"), step_seconds(log)
    limit = np.inf if usual is None else max(OUTLIER_RATIO * usual, usual + OUTLIER_SECONDS)
    return np.asarray(_timed(log) & (values > limit) & ~_busier(log))


@signal(unit="steps", **TIMES)
def slow_steps(log: RunLog) -> int | None:
    """Steps longer than five times the median and 10 ms above it; epoch starts and evaluations are left out."""
    return None if step_seconds(log) is None else int(_stalled(log).sum())


@signal(unit="seconds", **TIMES)
def slow_step_seconds(log: RunLog) -> float | None:
    """Median time of the slow steps."""
    values = log.column("seconds")[_stalled(log)]
    return median(values) if values.size else None


@signal(unit="share", **TIMES)
def slow_step_share(log: RunLog) -> float | None:
    """Share of the time of all steps that the slow ones took beyond the median."""
    usual, total = step_seconds(log), stepping_seconds(log)
    return float(np.sum(log.column("seconds")[_stalled(log)] - usual) / total) if usual is not None and total else None


@signal(unit="step", **TIMES)
def slow_step_onset(log: RunLog) -> int | None:
    """First slow step."""
    return first_step(log, _stalled(log))


def _rhythm(log: RunLog) -> tuple[int, float] | None:
    """Return the period that explains most of the slow steps, and how well it does.

    That is the smaller of two shares: of the lost time that falls on the beat, and of the beats that are slow.
    """
    places, kept, values = np.flatnonzero(_stalled(log)), _timed(log), log.column("seconds")
    if places.size < 3:
        return None
    gaps = np.unique(np.concatenate([np.diff(places), places[2:] - places[:-2]])[:MOST_GAPS])
    periods = [int(gap) for gap in gaps if MIN_PERIOD <= gap <= values.size / 4]  # in order: of equals the shortest
    return max(((p, _fit(places, kept, values, p)) for p in periods), key=lambda found: found[1], default=None)


def _fit(places: npt.NDArray[np.int64], kept: Mask, values: Floats, period: int) -> float:
    phases, weights = places % period, values[places]
    beat = int(np.argmax(np.bincount(phases, weights=weights)))
    on_beat = phases == beat
    return min(float(weights[on_beat].sum() / weights.sum()), float(on_beat.sum() / max(kept[beat::period].sum(), 1)))


@signal(unit="steps", **TIMES)
def slow_step_period(log: RunLog) -> int | None:
    """Steps from one slow step to the next, for the period that fits them best."""
    found = _rhythm(log)
    return found[0] if found else None


@signal(unit="share", **TIMES)
def slow_step_regularity(log: RunLog) -> float | None:
    """How regularly the slow steps come, from 0 (at random) to 1 (like clockwork).

    The smaller of two shares: of the lost time that falls on the beat, and of the beats that are slow.
    """
    found = _rhythm(log)
    return found[1] if found else None


def _saves(log: RunLog) -> list[float]:
    events = [event for event in log.events if event.get("kind") == "checkpoint"]
    return [seconds for seconds in (number(event["detail"].get("seconds")) for event in events) if seconds is not None]


@signal(unit="checkpoints", **SAVES)
def checkpoints(log: RunLog) -> int:
    """Number of checkpoints written in the run."""
    return len(_saves(log))


@signal(unit="seconds", **SAVES)
def checkpoint_seconds(log: RunLog) -> float | None:
    """Median time of writing a checkpoint."""
    times = _saves(log)
    return median(times) if times else None


@signal(unit="share", **SAVES)
def checkpoint_share(log: RunLog) -> float | None:
    """Time spent writing checkpoints over the time of all steps behind the warm-up, with or without a record."""
    values = robust_statistics.finite(log.column("seconds")[WARM_UP:])
    if not values.size or not values.any():
        return None
    return sum(_saves(log)) / (float(np.mean(values)) * _covered(log, WARM_UP))


# -- memory


def _memory(log: RunLog) -> tuple[Floats, Floats] | None:
    """Return steps and memory after the first fifth of the run."""
    values, steps = log.column("memory"), log.steps.astype(np.float64)
    kept = np.isfinite(values) & (np.arange(values.size) >= WARM_MEMORY * values.size)
    return (steps[kept], values[kept]) if kept.sum() >= LEAST_MEMORY else None


def _memory_blocks(log: RunLog) -> Floats | None:
    seen = _memory(log)
    return robust_statistics.block_medians(seen[1], 10) if seen else None


@signal(unit="MB", **MEMORY)
def memory_growth(log: RunLog) -> float | None:
    """Rise of the memory from the first fifth of the run to its end (medians of tenths)."""
    blocks = _memory_blocks(log)
    return None if blocks is None else float(blocks[-1] - blocks[0])


@signal(unit="share", **MEMORY)
def memory_rising_share(log: RunLog) -> float | None:
    """Share of the tenths of the run in which the memory rose: 1 = without a pause."""
    blocks = _memory_blocks(log)
    return None if blocks is None else float(np.mean(np.diff(blocks) > 0))


@signal(unit="ratio", **MEMORY)
def memory_late_ratio(log: RunLog) -> float | None:
    """Growth in the second half over growth in the first: 1 = steady, 0 = a cache that has filled up."""
    blocks = _memory_blocks(log)
    if blocks is None:
        return None
    middle = blocks[blocks.size // 2]
    return float((blocks[-1] - middle) / max(middle - blocks[0], 1e-3))


@signal(unit="kB a step", **MEMORY)
def memory_per_step(log: RunLog) -> float | None:
    """Memory added by each step, from the rise over the last four fifths of the run."""
    seen, growth = _memory(log), memory_growth(log)
    span = float(seen[0][-1] - seen[0][0]) if seen else 0.0
    return growth * 1000 / span if growth is not None and span else None


# -- standstill


@signal(unit="seconds", needs="a live run, or the seconds of each step", zh="进行中的训练，或每一步的耗时")
def standstill_seconds(log: RunLog) -> float | None:
    """Longest time without a finished step: the slowest step, or the silence reported by the recorder since then."""
    silences = [number(event["detail"].get("seconds")) for event in log.events if event.get("kind") == "stall"]
    values: list[Any] = [value for value in silences if value is not None] + log.column("seconds")[
        np.isfinite(log.column("seconds"))
    ].tolist()
    return float(max(values)) if values else None


@signal(
    unit="calls",
    needs="a run on an accelerator, with counted synchronizations",
    zh="在加速器上运行并统计同步次数",
    about="no-accelerator",
)
def syncs_per_step(log: RunLog) -> float | None:
    """Calls that make the host wait for the device (.item(), .cpu(), print of a tensor), for each optimizer step."""
    syncs, steps = count(log, "host_syncs"), count(log, "step")
    return syncs / steps if syncs is not None and steps else None
