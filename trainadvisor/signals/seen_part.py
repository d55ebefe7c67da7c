"""Which part of its data a training sees, where each pass over them is broken off."""

from typing import Any

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

PASSES = {
    "needs": "passes over a training loader that all began with the same batch",
    "zh": "每一遍都从同一批次开始的训练加载器",
}


def _passes(log: RunLog) -> dict[str, Any]:
    training = {loader["id"] for loader in log.loaders if loader["role"] == "train"}
    found = [e["detail"] for e in log.events if e["kind"] == "broken-passes" and e["detail"].get("loader") in training]
    return found[-1] if found else {}


@signal(unit="passes", **PASSES)
def equal_passes(log: RunLog) -> int | None:
    """Passes over the training data that all began with the same batch."""
    return whole(_passes(log).get("passes"))


@signal(unit="batches", **PASSES)
def batches_seen(log: RunLog) -> int | None:
    """Batches that the longest of these passes took."""
    return whole(_passes(log).get("most"))


@signal(unit="batches", **PASSES)
def batches_there(log: RunLog) -> int | None:
    """Batches that a whole pass has."""
    return whole(_passes(log).get("batches"))


@signal(unit="share", **PASSES)
def seen_part(log: RunLog) -> float | None:
    """Share of the training data that any of these passes got to."""
    seen, there = batches_seen(log), batches_there(log)
    return seen / there if seen is not None and there else None
