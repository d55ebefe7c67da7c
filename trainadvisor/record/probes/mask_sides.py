"""Probe: whether the masks of a sequence model hide padding or what is no padding, over the first batches."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch

from trainadvisor.instrument import call_sites, tracing
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import may_ask
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.mask_sides import INVERTED, MaskSides, numbered
from trainadvisor.record.losses.sequence_sources import SequenceSources, is_counted
from trainadvisor.record.losses.visible_places import visible_places
from trainadvisor.record.losses.whole_graph import WholeGraph
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

# Steps that are looked at, and those after which a model without a mask is not looked at again.
_FIRST, _TRIED = 8, 2
_TOLD = {1, 2, 4, _FIRST}
# Numbers of a batch that are compared at most.
_MOST = 2_000_000
_MASKS = ("key_padding_mask", "attn_mask")
_MATRIX = 2

Sources = list[torch.Tensor]


@probe(order=131)
class MaskSidesProbe:
    """Writes events "mask-sides": masks that let real places through, and masks that let padding through."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found = MaskSides()
        self._looks = self._masks = self._told = 0
        # What models were called with in this step: sequences of ids, and of vectors.
        self._given: Sources = []
        self._place: call_sites.Place | None = None

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches were looked at."""
        return math.inf if self._over() and not self._given else routine.step

    def _over(self) -> bool:
        return self._looks >= _FIRST or (self._looks >= _TRIED and not self._masks)

    def _due(self) -> bool:
        return not self._over() and may_ask(self._context.values, self._context.step.number)

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Keep the sequences that models are called with until the loss."""
        if call.grad and self._due():
            tensors = map(describe.local, describe.tensors_in([call.args, call.kwargs]))
            self._given += [t.detach() for t in tensors if _is_sequence(t)]

    @unless_resting
    def on_sequence_layer(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Note the line from which attention was called with a mask first."""
        del args
        if self._place is None and self._due() and not (tracing.now() or tracing.in_backward()):
            masked = any(kwargs.get(name) is not None for name in _MASKS)
            self._place = call_sites.user_place() if masked else None

    @unless_resting
    def on_backward_begins(self, *_: object) -> None:
        """Look at the masks that the graph has kept."""
        given, self._given = self._given, []
        root = self._context.losses.last_root
        if root is not None and self._due():
            self._looks += 1
            self._look(self._context.losses.graph(), given)
            if self._looks in _TOLD:
                self._tell()

    def _look(self, graph: WholeGraph, given: Sources) -> None:
        embedded = SequenceSources(graph)
        ids = [t.cpu() for t in given if t.ndim == _MATRIX and not is_counted(t)]
        vectors = [t for t in given if t.ndim > _MATRIX]
        for rows, columns in _shapes([*embedded.ids, *given]):
            for kind, node, visible in visible_places(graph.nodes, rows, columns):
                self._masks += 1
                looked_up = [t for t in map(embedded.ids.__getitem__, embedded.of(node)) if not is_counted(t)]
                shape = (rows, columns)
                about = _oriented(looked_up, shape) or _oriented(ids, shape) or _oriented(vectors, shape, numbered)
                self._found.add(kind, visible.cpu(), about)

    @unless_resting
    def on_close(self, _: object) -> None:
        """Let go of what models were called with."""
        self._given = []

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        self._tell()

    def _tell(self) -> None:
        if self._found.masks and self._told != self._looks:
            self._told, fact = self._looks, self._found.fact()
            site = call_sites.describe(self._place) if fact[INVERTED] else None
            self._context.event("mask-sides", "", {"looks": self._looks, **fact, "site": site})


def _is_sequence(tensor: torch.Tensor) -> bool:
    """Return whether a tensor holds rows of ids or of vectors."""
    if tensor.ndim < _MATRIX or min(tensor.shape[:2]) < 1 or not 0 < tensor.numel() <= _MOST:
        return False
    whole = not (tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool)
    return (whole and tensor.ndim == _MATRIX) or (tensor.is_floating_point() and tensor.ndim == _MATRIX + 1)


def _shapes(tensors: Sources) -> Iterable[tuple[int, int]]:
    """Return the different rows and columns of sequences, whichever of their axes is the batch."""
    shapes = [(int(t.shape[0]), int(t.shape[1])) for t in tensors]
    return dict.fromkeys(pair for shape in shapes for pair in (shape, shape[::-1]) if pair[1] > 1)


def _oriented(
    tensors: Sources, shape: tuple[int, int], ids_of: Callable[[torch.Tensor], torch.Tensor] = torch.Tensor.detach
) -> Sources:
    """Return the sequences of a shape, as rows by places."""
    straight = [ids_of(t.cpu()) for t in tensors if t.shape[:2] == shape]
    return straight or [ids_of(t.cpu()).T for t in tensors if t.shape[:2] == shape[::-1]]
