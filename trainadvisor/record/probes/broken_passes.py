"""Probe: whether passes over a loader begin with the same batch and end before the last one."""

import math
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from torch.utils.data import DataLoader, IterableDataset

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.evaluations import fingerprints
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.loader_lengths import batches_of

# Passes that are looked at: one that goes further may be the last of a few, not of many.
_MOST = 20
_TOLD = frozenset({3, 5, 10, _MOST})


@dataclass
class _Passes:
    number: int
    # Of a whole pass; 0 where that is not known, or not yet.
    batches: int = 0
    begun: int = 0
    # Batches taken in the current pass, and in the longest one.
    taken: int = 0
    most: int = 0
    # What the first batch of a pass holds, as far as it was the same in all of them.
    first: frozenset[tuple[float, ...]] | None = None
    told: bool = False


@probe(order=120)
class BrokenPassesProbe:
    """Writes events "broken-passes" of loaders of which each pass took the same first part, and nothing of the rest."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._of_loader: WeakKeyDictionary[DataLoader[Any], _Passes | None] = WeakKeyDictionary()
        # By iterator, as long as its pass is looked at.
        self._open: WeakKeyDictionary[Any, _Passes] = WeakKeyDictionary()

    def rests_until(self, routine: Routine) -> float:
        """Rest while no pass is looked at."""
        return routine.step if any(self._of_loader.values()) else math.inf

    def on_loader_iter(self, args: tuple[Any, ...], _: object, iterator: Any) -> None:
        """Begin a pass."""
        loader: DataLoader[Any] = args[0]
        if loader not in self._of_loader:
            self._of_loader[loader] = self._begin(loader)
        passes = self._of_loader[loader]
        if passes is None:
            return
        if passes.begun == 1:
            passes.batches = batches_of(loader) or 0  # by now torch has asked for it itself
        passes.most, passes.taken = max(passes.most, passes.taken), 0
        whole = passes.begun > 0 and passes.most >= passes.batches
        if passes.begun in _TOLD or (whole and passes.told):
            self._tell(passes)
        if whole or passes.begun == _MOST:
            self._of_loader[loader] = None
            return
        passes.begun += 1
        self._open[iterator] = passes

    def _begin(self, loader: "DataLoader[Any]") -> _Passes | None:
        if isinstance(loader.dataset, IterableDataset):
            return None
        return _Passes(self._context.objects.loader_number(loader))

    @unless_resting
    def on_batch_ends(self, args: tuple[Any, ...], _: object, batch: object) -> None:
        """Count a batch; compare the first one with those of the passes before."""
        passes = self._open.get(args[0])
        if passes is None:
            return
        passes.taken += 1
        if passes.taken == 1:
            found = fingerprints.of_tensors(batch)
            passes.first = found if passes.first is None else passes.first & found
            if not passes.first:
                self._leave(passes)

    def _leave(self, passes: _Passes) -> None:
        for loader, known in list(self._of_loader.items()):
            if known is passes:
                self._of_loader[loader] = None
        for iterator, known in list(self._open.items()):
            if known is passes:
                del self._open[iterator]

    def on_stop(self, _: str) -> None:
        """Tell of the passes that were not told yet."""
        for loader, passes in list(self._of_loader.items()):
            if passes is not None:
                passes.batches = passes.batches or batches_of(loader) or 0
                passes.most = max(passes.most, passes.taken)
                if passes.most < passes.batches or passes.told:
                    self._tell(passes)

    def _tell(self, passes: _Passes) -> None:
        passes.told = True
        detail = {"loader": passes.number, "passes": passes.begun, "most": passes.most, "batches": passes.batches}
        self._context.event("broken-passes", "", detail)
