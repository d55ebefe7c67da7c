"""Probe: how many rows of a codebook a model chooses, where it computes the indices by itself."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

# Rows below which a matrix is taken for something else than a codebook.
_LEAST_ROWS = 16
# Steps after which a model without one is not asked again.
_TRIED = 3
# Samples after which the counts are told and begun anew: each stands for the part of the run since the one before.
_TOLD = frozenset(2**power for power in range(2, 40))
_LOOKUPS = {"Embedding": "indices", "Index": "indices", "IndexSelect": "index"}


@dataclass
class _Codebook:
    """How often each row was chosen since the last telling."""

    parameter: int
    samples: int = 0
    chosen: int = 0
    counts: torch.Tensor | None = field(default=None, repr=False)


@probe(order=60)
class CodebooksProbe:
    """Counts the rows of a parameter that are looked up by indices which no model was given."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[int, _Codebook] = {}
        self._samples = 0
        self._given_indices = False

    def rests_until(self, routine: Routine) -> float:
        """Rest where the first steps have shown no codebook."""
        return math.inf if self._given_indices or (routine.step > _TRIED and not self._found) else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Note whether a model is given whole numbers: tokens, classes, time steps."""
        if call.grad and not self._given_indices and self._context.step_number <= _TRIED:
            given = describe.tensors_in((call.args, call.kwargs), depth=5)
            self._given_indices = any(not (t.is_floating_point() or t.is_complex()) for t in given)

    @unless_resting
    def on_backward_begins(self, *_: Any) -> None:
        """Look at the lookups of the graph while it is there."""
        step, root = self._context.step, self._context.losses.last_root
        due = step.number <= _TRIED or (self._found and step.sample_gradients)
        if root is None or self._given_indices or not due:
            return
        looked_up = sum(map(self._look_at, self._context.losses.graph().of(_LOOKUPS))) > 0
        self._samples += looked_up
        if looked_up and self._samples in _TOLD:
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell what was counted since the last time."""
        self._tell()

    def _look_at(self, node: Any) -> bool:
        """Count the rows of a parameter that a node of the graph has looked up; return whether it has."""
        source = node.next_functions[0][0] if node.next_functions else None
        rows = getattr(source, "variable", None)
        if rows is None or rows.ndim != 2 or rows.shape[0] < _LEAST_ROWS:
            return False
        indices = _first(private_torch.saved(node, _LOOKUPS[bare(node)]))
        if indices is None or indices.dtype != torch.int64 or indices.numel() <= 1:
            return False
        book = self._found.setdefault(id(rows), _Codebook(self._context.objects.add_loose(rows)))
        with torch.no_grad():
            chosen = indices.detach().flatten().remainder(rows.shape[0])
            counts = book.counts if book.counts is not None else chosen.new_zeros(rows.shape[0])
            book.counts = counts.scatter_add(0, chosen, torch.ones_like(chosen))
        book.samples += 1
        book.chosen += indices.numel()
        return True

    def _tell(self) -> None:
        for book in self._found.values():
            if book.counts is None:
                continue
            detail: dict[str, Any] = {"parameter": book.parameter, "entries": len(book.counts),
                                      "looks": book.samples, "chosen": book.chosen}  # fmt: skip

            def arrived(values: list[float], detail: dict[str, Any] = detail) -> None:
                detail.update(used=int(values[0]), even=bool(values[1]))

            used = book.counts > 0
            even = (book.counts == book.counts.max()) | ~used
            facts = torch.stack([used.sum(), even.all() & (used.sum() > 1)]).float()
            self._context.event("codebook", "", detail, [(self._context.values.read(facts), arrived)])
            book.samples, book.chosen, book.counts = 0, 0, None


def _first(indices: Any) -> torch.Tensor | None:
    """Return the indices of the first dimension, None where the others are indexed as well."""
    if isinstance(indices, (tuple, list)):
        given = [index for index in indices if index is not None]
        indices = indices[0] if len(given) == 1 and indices[0] is not None else None
    return indices if isinstance(indices, torch.Tensor) else None
