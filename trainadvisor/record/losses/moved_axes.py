"""Finds a view that exchanges axes by their sizes alone: the numbers stay where they are, and lie on wrong axes."""

from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from operator import mul
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import shape_of
from trainadvisor.record.losses.whole_graph import WholeGraph

_VIEWS = frozenset({"View", "UnsafeView", "ReshapeAlias"})
_MOVING = frozenset({"Transpose", "Permute", "T", "Swapaxes", "Movedim"})
# What takes the last axis for the alternatives: then it cannot hold a stretch of another axis.
_CHOOSING = frozenset({"LogSoftmax", "Softmax"})
_LEAST_AXES = 3
# Axes of a batch of images; of three axes, sizes may be equal by chance.
_IMAGES = 4


def scrambled(before: list[int], after: list[int]) -> bool:
    """Return whether a view has the sizes of a permutation, or joins axes after two have changed places.

    Axes of size one do not count; with two axes left one cannot tell. Scores of (batch, classes, height, width) seen
    as (places, classes) are of the second kind.
    """
    first, second = [n for n in before if n != 1], [n for n in after if n != 1]
    if len(first) < _LEAST_AXES or not _borders(second) - _borders(first):
        return False
    if len(first) == len(second):
        return sorted(first) == sorted(second)
    if len(second) < len(first) >= _IMAGES and second[-1] == first[1] != first[-1]:
        return True
    return any(_joined(first[kept:], second[kept:]) for kept in (0, 1) if first[:kept] == second[:kept])


def _joined(first: list[int], second: list[int]) -> bool:
    """Return whether the first of the axes has been passed by the second and joined with what follows that."""
    exchanged = len(second) == 2 and len(first) >= _LEAST_AXES and second[0] == first[1] != first[0]
    return exchanged and first[0] * _product(first[2:]) == second[1]


def _product(sizes: Iterable[int]) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


def _borders(sizes: list[int]) -> frozenset[int]:
    """Return after how many numbers in memory an axis begins anew: a view keeps the axes whose borders it keeps."""
    return frozenset(accumulate(reversed(sizes[1:]), mul))


def regroups(before: list[int], after: list[int]) -> bool:
    """Return whether whole stretches of one axis may have been moved to its neighbor, as pairs of steps to features.

    One border is new then, and each of them holds the smaller ones a whole number of times.
    """
    old, new = (_borders([n for n in sizes if n != 1]) for sizes in (before, after))
    return len(new - old) == 1 and all(large % small == 0 for small, large in pairwise(sorted(old | new)))


def _told(before: list[int], after: list[int], of: str, *, taken: bool = False) -> dict[str, Any]:
    return {"viewed": before, "shape": after, "of": of, "regrouped": not taken and regroups(before, after)}


def in_graph(graph: WholeGraph, examples: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the views in a graph that scramble axes; one that is transposed right after is part of a rearrangement.

    Where the number of examples is known, an axis that held them and is the first one only now has been exchanged.
    """
    found = list(_in_graph(graph))
    folded = any(one["viewed"][0] == examples for one in found)
    for one in found:
        brought = not folded and one["shape"][0] == examples and examples in one["viewed"]
        yield {**one, "regrouped": one["regrouped"] and not brought}


def _in_graph(graph: WholeGraph) -> Iterator[dict[str, Any]]:
    for node in graph.of(_VIEWS):
        before, after = private_torch.saved(node, "self_sym_sizes"), shape_of(node)
        if not before or not after or not scrambled([int(n) for n in before], after):
            continue
        users = graph.users.get(node, [])
        if not any(bare(user) in _MOVING for user in users):
            chosen = any(bare(user) in _CHOOSING for user in users)
            yield _told([int(n) for n in before], after, "layer", taken=chosen)


def of_input(tensor: torch.Tensor, *, convolved: bool = False) -> dict[str, Any] | None:
    """Return the sizes before and after where an input is a scrambling view of the data, else None.

    A convolution takes the second axis for channels: where they were the last one, no stretch of steps was meant.
    """
    base = private_torch.base(tensor)
    if base is None or not tensor.is_contiguous() or not base.is_contiguous() or tensor.ndim < _LEAST_AXES:
        return None
    before, after = list(base.shape), list(tensor.shape)
    if len(before) == len(after) and base.numel() != tensor.numel():  # a batch of a data set held in memory
        before = [after[0], *before[1:]] if _product(before[1:]) == _product(after[1:]) else after
    if base.numel() < tensor.numel() or not scrambled(before, after):
        return None
    return _told(before, after, "input", taken=convolved and before[-1] == after[1])
