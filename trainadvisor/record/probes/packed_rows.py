"""Probe: whether attention crosses the borders of packed documents that a model is told of, over the first batches."""

import inspect
import math
from collections.abc import Mapping

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import may_ask
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.packed_rows import DOCUMENTS, LENGTHS, POSITIONS, PackedRows, borders_of
from trainadvisor.record.losses.sequence_graph import kept
from trainadvisor.record.losses.sequence_sources import SequenceSources, is_counted
from trainadvisor.record.losses.whole_graph import WholeGraph
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

# Steps that are looked at, and those after which a model that is told of no documents is not looked at again.
_FIRST, _TRIED = 8, 2
_TOLD = {1, 4, _FIRST}
_TELLING = POSITIONS | DOCUMENTS | LENGTHS
_MATRIX = 2

Named = tuple[str, torch.Tensor]


@probe(order=132)
class PackedRowsProbe:
    """Writes events "packed-rows": how many attentions see across the borders, and how many are cut there."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found = PackedRows()
        self._looks = self._told = 0
        # What the models of this step were told, by the name of the argument.
        self._named: list[Named] = []

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches were looked at, or where nothing is told of documents."""
        return math.inf if self._over() and not self._named else routine.step

    def _over(self) -> bool:
        return self._looks >= _FIRST or (self._looks >= _TRIED and not self._found.looks)

    def _due(self) -> bool:
        return not self._over() and may_ask(self._context.values, self._context.step.number)

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Keep what a model is told of its rows until the loss."""
        if call.grad and self._due():
            self._named += [(name, told) for name, told in _arguments(call).items() if name in _TELLING]

    @unless_resting
    def on_backward_begins(self, *_: object) -> None:
        """Look at the attentions that the graph has kept."""
        named, self._named = self._named, []
        root = self._context.losses.last_root
        if root is None or not self._due():
            return
        self._looks += 1
        if named:
            self._look(self._context.losses.graph(), named)
        if self._looks in _TOLD:
            self._tell()

    def _look(self, graph: WholeGraph, named: list[Named]) -> None:
        embedded = SequenceSources(graph).ids
        for name, told in named:
            texts = [ids for ids in embedded if not _same(ids, told)]
            if not texts or (name in DOCUMENTS and len(texts) < len(embedded)):
                continue  # a number that is embedded tells the model of its turn or part, and hides nothing
            if name in POSITIONS and _counts(graph):
                continue
            rows, columns = texts[0].shape
            borders = borders_of(name, told.cpu(), rows, columns)
            if borders is not None:
                self._found.add(graph.nodes, name, borders, texts[0])

    @unless_resting
    def on_close(self, _: object) -> None:
        """Let go of what models were told."""
        self._named = []

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        self._tell()

    def _tell(self) -> None:
        if self._found.looks and self._told != self._found.looks:
            self._told = self._found.looks
            self._context.event("packed-rows", "", self._found.fact())


def _arguments(call: Call) -> dict[str, torch.Tensor]:
    """Return the sequences of whole numbers that a model is called with, by the names of its arguments."""
    try:
        bound = dict(inspect.signature(call.module.forward).bind_partial(*call.args, **call.kwargs).arguments)
    except (TypeError, ValueError):
        bound = dict(call.kwargs)
    inside = [value for value in bound.values() if isinstance(value, Mapping)]
    named = {name: value for part in (bound, *inside) for name, value in part.items()}
    return {
        str(name): describe.local(value.detach())
        for name, value in named.items()
        if isinstance(value, torch.Tensor) and _is_whole(value)
    }


def _is_whole(given: torch.Tensor) -> bool:
    whole = not (given.is_floating_point() or given.is_complex() or given.dtype == torch.bool)
    return whole and 1 <= given.ndim <= _MATRIX


def _same(ids: torch.Tensor, told: torch.Tensor) -> bool:
    return told.numel() in (ids.numel(), ids.shape[1]) and bool((told.cpu().expand(ids.shape) == ids).all())


def _counts(graph: WholeGraph) -> bool:
    """Return whether the places of rows are looked up as 0, 1, 2, ...: there are positions in the row as well."""
    looked_up = (kept(node, "indices") for node in graph.of({"Embedding"}))
    return any(isinstance(ids, torch.Tensor) and ids.numel() > 1 and is_counted(ids) for ids in looked_up)
