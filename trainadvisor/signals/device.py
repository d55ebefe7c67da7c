"""How well accelerators are used; all signals are absent on the CPU."""

from typing import Any

import numpy as np

from trainadvisor.log.cleaning import number
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal
from trainadvisor.signals.robust_statistics import median

DEVICE = {"needs": "a run on an accelerator whose use was measured", "zh": "在加速器上运行并测量其使用情况"}
RANKS = {"needs": "a run of several processes, which are compared", "zh": "多进程训练，并比较各进程"}
TENSOR_CORES = 8.0  # first compute capability with TF32 and bfloat16 matrix units


def _detail(log: RunLog, kind: str) -> dict[str, Any] | None:
    found = [event["detail"] for event in log.events if event.get("kind") == kind]
    return found[-1] if found else None


def _number(log: RunLog, kind: str, field: str) -> float | None:
    detail = _detail(log, kind)
    return number(detail.get(field)) if detail else None


@signal(unit="word", needs="the header of the log", zh="日志头部")
def device(log: RunLog) -> str | None:
    """Device of the training: cpu, cuda or mps."""
    name = log.header.get("device")
    return name if isinstance(name, str) else None


@signal(unit="share", **DEVICE, about="no-accelerator")
def device_busy_share(log: RunLog) -> float | None:
    """Share of the step time during which the accelerator computes."""
    return _number(log, "device", "busy")


@signal(unit="share", **DEVICE)
def device_memory_share(log: RunLog) -> float | None:
    """Largest share of the accelerator's memory that was in use."""
    total, used = _number(log, "device", "memory_total"), log.column("memory")
    known = used[np.isfinite(used)]
    return float(known.max() / total) if total and known.size else None


@signal(unit="share", **DEVICE, about="no-accelerator")
def sync_share(log: RunLog) -> float | None:
    """Share of the step time that the host spends waiting for the device because of calls such as .item()."""
    return _number(log, "device", "sync_share")


@signal(unit="truth", **DEVICE)
def tensor_cores(log: RunLog) -> bool | None:
    """Whether the accelerator has matrix units for TF32 and bfloat16 (compute capability 8 or higher)."""
    capability = _number(log, "device", "capability")
    return None if capability is None else capability >= TENSOR_CORES


@signal(unit="truth", **DEVICE, about="no-accelerator")
def full_precision_matmul(log: RunLog) -> bool | None:
    """Whether matrix products run in full float32: matmul precision "highest", no autocast, float32 weights."""
    detail = _detail(log, "device")
    if detail is None or "matmul_precision" not in detail:
        return None
    autocast = any(event.get("kind") in ("amp", "autocast") for event in log.events)
    return detail["matmul_precision"] == "highest" and not autocast and _weights_are_float32(log)


def _weights_are_float32(log: RunLog) -> bool:
    types = {p.get("dtype") for p in (log.model["parameters"] if log.model else [])}
    return types <= {"float32"} and bool(types)


@signal(unit="processes", needs="the header of the log", zh="日志头部")
def world_size(log: RunLog) -> int | None:
    """Number of processes that train together."""
    size = number(log.header.get("world_size"))
    return None if size is None else int(size)


@signal(unit="share", **RANKS, about="no-processes")
def replica_different_share(log: RunLog) -> float | None:
    """Share of the replicated parameters whose bits differ between processes."""
    different, compared = _number(log, "replicas", "different"), _number(log, "replicas", "parameters")
    return different / compared if different is not None and compared else None


@signal(unit="word", **RANKS)
def replica_first_different(log: RunLog) -> str | None:
    """First parameter that differs between processes."""
    detail = _detail(log, "replicas")
    return str(detail["first"]) if detail and detail.get("first") else None


@signal(unit="step", **RANKS)
def replica_onset(log: RunLog) -> int | None:
    """Step of the first comparison that found processes with different parameters."""
    steps = [e["step"] for e in log.events if e.get("kind") == "replicas" and number(e["detail"].get("different"))]
    return min(steps, default=None)


def _rank_times(log: RunLog) -> Any:
    detail = _detail(log, "ranks")
    times = [number(value) for value in (detail or {}).get("step_seconds") or []]
    return np.array([value for value in times if value], dtype=np.float64)


@signal(unit="ratio", **RANKS, about="no-processes")
def rank_step_ratio(log: RunLog) -> float | None:
    """Compute time per step of the slowest process over the median of all processes."""
    times = _rank_times(log)
    return float(times.max() / median(times)) if times.size > 1 else None


@signal(unit="rank", **RANKS)
def slowest_rank(log: RunLog) -> int | None:
    """Number of the process that the others wait for."""
    times = _rank_times(log)
    return int(times.argmax()) if times.size > 1 else None
