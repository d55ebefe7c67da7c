"""Finds losses that average one term over the examples of a batch and add up another: the batch weighs the second."""

from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import by_element, kept, region, shape_of
from trainadvisor.record.losses.loss_terms import Term

_MEAN, _SUM = 1, 2
_REDUCING = {"Mean": _MEAN, "Sum": _SUM}
# Losses that count an example once for each label, not for each answer.
_BY_LABEL = frozenset({"NllLoss", "NllLoss2D"})


@dataclass(frozen=True)
class Reduced:
    """One term: how it is reduced, over which values, and what it is multiplied with behind that."""

    summed: bool
    shape: tuple[int, ...]
    factor: float

    @property
    def of_example(self) -> float:
        """The weight that the values of one example have together in the total."""
        return self.factor if self.summed else self.factor / self.shape[0]


@dataclass(frozen=True)
class Mixed:
    """A pair of terms of which one is averaged and the other added up over the same examples."""

    averaged: int
    summed: int
    examples: int
    # How many times as much an example counts in the term that is added up.
    times: float


def mixed(terms: list[Term]) -> Mixed | None:
    """Return the pair that weighs the examples most unevenly, None where all terms are reduced alike."""
    reduced = {number: found for number, term in enumerate(terms) if (found := _reduced(term))}
    pairs = [
        Mixed(a, s, added.shape[0], added.of_example / averaged.of_example)
        for a, averaged in reduced.items()
        for s, added in reduced.items()
        if not averaged.summed and added.summed and averaged.shape[0] == added.shape[0] and averaged.of_example
    ]
    return max(pairs, key=lambda pair: pair.times, default=None)


def _reduced(term: Term) -> Reduced | None:
    node, factor = term.node, 1.0
    for one in term.factors:
        if isinstance(one, torch.Tensor) and (one.device.type != "cpu" or one.numel() != 1):
            return None
        factor *= abs(float(one))
    kind = _REDUCING.get(bare(node)) or private_torch.saved(node, "reduction")
    shape = _reduced_shape(node)
    if kind not in {_MEAN, _SUM} or not shape or shape_of(node) != [] or not _depends_on_layers(node):
        return None
    return Reduced(kind == _SUM, shape, factor)


def _reduced_shape(node: Any) -> tuple[int, ...]:
    if bare(node) in _REDUCING:
        return tuple(int(size) for size in private_torch.saved(node, "self_sym_sizes") or ())
    values = kept(node, "target" if bare(node) in _BY_LABEL else "self")
    return () if values is None else tuple(values.shape)


def _depends_on_layers(node: Any) -> bool:
    """Return whether more lies behind a term than weights, as behind a penalty on them."""
    return any(not by_element(inner) and not hasattr(inner, "variable") for inner in region(node))
