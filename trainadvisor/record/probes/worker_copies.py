"""Probe: whether each worker of a loader gives the same stream, as they do unless an iterable data set divides it."""

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from torch.utils.data import DataLoader, IterableDataset

from trainadvisor.record.context import Context, probe
from trainadvisor.record.evaluations import fingerprints

# Passes that are looked at, and batches of each worker in them.
_PASSES, _ROUNDS = 3, 2


@dataclass
class _Pass:
    loader: int
    workers: int
    taken: int = 0
    # What the first worker gave in this round.
    first: frozenset[tuple[float, ...]] = frozenset()


@probe(order=120)
class WorkerCopiesProbe:
    """Writes events "worker-copies" of loaders of iterable data sets: batches compared, and those that were equal.

    Torch asks the workers in turn, so the batches of one round come from one worker each.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._passes: WeakKeyDictionary[Any, _Pass] = WeakKeyDictionary()
        # By the number of the loader: passes begun, batches compared, batches that were equal.
        self._counts: dict[int, list[int]] = {}

    def on_loader_iter(self, args: tuple[Any, ...], _: object, iterator: Any) -> None:
        """Look at a pass over an iterable data set with several workers."""
        loader: DataLoader[Any] = args[0]
        if loader.num_workers < 2 or not isinstance(loader.dataset, IterableDataset):
            return
        number = self._context.objects.loader_number(loader)
        counts = self._counts.setdefault(number, [0, 0, 0])
        counts[0] += 1
        if counts[0] <= _PASSES:
            self._passes[iterator] = _Pass(number, loader.num_workers)

    def on_batch_ends(self, args: tuple[Any, ...], _: object, batch: object) -> None:
        """Compare a batch with that of the first worker."""
        current = self._passes.get(args[0]) if self._passes else None
        if current is None:
            return
        turn = current.taken % current.workers
        if turn == 0:
            current.first = fingerprints.of_tensors(batch)
        elif current.first:
            counts = self._counts[current.loader]
            counts[1] += 1
            counts[2] += bool(fingerprints.of_tensors(batch) & current.first)
        current.taken += 1
        if current.taken == _ROUNDS * current.workers:
            del self._passes[args[0]]
            self._tell(current)

    def _tell(self, current: _Pass) -> None:
        _, compared, same = self._counts[current.loader]
        if compared:
            detail = {"loader": current.loader, "workers": current.workers, "compared": compared, "same": same}
            self._context.event("worker-copies", "", detail)
