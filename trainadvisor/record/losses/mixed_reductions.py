"""Finds losses that average one term over the examples of a batch and add up another: the batch weighs the second."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare, scaled_from
from trainadvisor.record.losses.loss_region import by_element, kept, region, shape_of
from trainadvisor.record.losses.loss_terms import Term

_MEAN, _SUM = 1, 2
_SCALING = ("Mul", "Div", "Neg")
_REDUCING = {"Mean": _MEAN, "Sum": _SUM}
# Losses that count an example once for each label, not for each answer.
_BY_LABEL = frozenset({"NllLoss", "NllLoss2D"})


@dataclass(frozen=True)
class Reduced:
    """One term: how it is reduced, over which values, and what it is multiplied with behind that."""

    summed: bool
    shape: tuple[int, ...]
    factor: float
    # Whether the values of each example were added up before the average over the examples was taken.
    each_summed: bool = False

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
    # How many times as much an example counts in the term that is added up; or a value, where those of an example are.
    times: float
    values: int = 1


def mixed(terms: list[Term]) -> Mixed | None:
    """Return the pair that weighs the examples most unevenly, None where all terms are reduced alike."""
    reduced = {number: found for number, term in enumerate(terms) if (found := _reduced(term))}
    pairs = [
        Mixed(a, s, added.shape[0], added.of_example / averaged.of_example)
        for a, averaged in reduced.items()
        for s, added in reduced.items()
        if not averaged.summed and added.summed and averaged.shape[0] == added.shape[0] and averaged.of_example
    ]
    return max(pairs or _of_values(reduced), key=lambda pair: pair.times, default=None)


def _of_values(reduced: dict[int, Reduced]) -> list[Mixed]:
    """Return the pairs of which one is averaged over the values of an example and the other adds them up."""
    return [
        Mixed(a, s, added.shape[0], math.prod(averaged.shape[1:]) * added.factor / averaged.factor,
              math.prod(averaged.shape[1:]))
        for a, averaged in reduced.items()
        for s, added in reduced.items()
        if not averaged.summed and not averaged.each_summed and added.each_summed and averaged.factor
        and averaged.shape[0] == added.shape[0] and len(averaged.shape) > 1
    ]  # fmt: skip


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
    return Reduced(kind == _SUM, shape, factor, each_summed=_adds_up_each(node, shape))


def _adds_up_each(node: Any, shape: tuple[int, ...]) -> bool:
    """Return whether a mean goes over one number an example, each the sum of several, scaled since."""
    if bare(node) != "Mean" or len(shape) != 1:
        return False
    inner = (scaled for before, _ in node.next_functions for scaled in scaled_from(before, _SCALING))
    return any(bare(one) == "Sum" and len(private_torch.saved(one, "self_sym_sizes") or ()) > 1 for one in inner)


def _reduced_shape(node: Any) -> tuple[int, ...]:
    if bare(node) in _REDUCING:
        return tuple(int(size) for size in private_torch.saved(node, "self_sym_sizes") or ())
    values = kept(node, "target" if bare(node) in _BY_LABEL else "self")
    return () if values is None else tuple(values.shape)


def _depends_on_layers(node: Any) -> bool:
    """Return whether more lies behind a term than weights, as behind a penalty on them."""
    return any(not by_element(inner) and not hasattr(inner, "variable") for inner in region(node))
