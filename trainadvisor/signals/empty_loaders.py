"""Loaders that yield no batch although their data set is not empty."""

from typing import Any

from trainadvisor.log.cleaning import whole
from trainadvisor.log.reader import RunLog
from trainadvisor.signals import signal

LOADERS = {"needs": "a DataLoader whose length is known", "zh": "长度已知的 DataLoader"}


def _known(log: RunLog) -> list[dict[str, Any]]:
    """Return the loaders with a number of batches and of examples."""
    counts = ("batches", "examples")
    return [loader for loader in log.loaders if all(whole(loader.get(name)) is not None for name in counts)]


def _empty(log: RunLog) -> list[dict[str, Any]]:
    return [loader for loader in _known(log) if not loader["batches"] and loader["examples"] > 0]


def _of_first(log: RunLog, name: str) -> int | None:
    return next((whole(loader.get(name)) for loader in _empty(log)), None)


@signal(unit="loaders", **LOADERS, about="no-loader")
def empty_loaders(log: RunLog) -> int | None:
    """Loaders that the script goes through and that yield no batch, although their data set holds examples.

    A loader that trains counts by what it held when its first batch came. 0 for recorded trainings without a loader.
    """
    if not _known(log):
        return 0 if not log.loaders and log.header.get("source") == "recorder" else None
    return len(_empty(log))


@signal(unit="examples", **LOADERS)
def empty_loader_examples(log: RunLog) -> int | None:
    """Examples in the data set of the first loader that yields no batch."""
    return _of_first(log, "examples")


@signal(unit="examples", **LOADERS)
def empty_loader_batch(log: RunLog) -> int | None:
    """Batch size of that loader."""
    return _of_first(log, "batch_size")
