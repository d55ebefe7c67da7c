"""Finds by what a mean is divided on its way into the loss: by its own examples once more, or as a whole."""

import math
from collections import deque
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_calls import MARK
from trainadvisor.record.losses.loss_graph import bare, metadata_of
from trainadvisor.record.losses.loss_region import kept, region, scaling, shape_of

# Fewer may be micro-batches, tasks or heads.
_FEWEST = 8
_MOST_NODES = 40
_MEAN = 1
_ALMOST = 1e-5


def divided_again(root: Any) -> int | None:
    """Return the number of examples by which a mean over them is divided once more, None where there is none."""
    for node in region(root):
        divisor = _divisor(node)
        if divisor is not None and divisor >= _FEWEST:
            inner = next(following for following, _ in node.next_functions if following is not None)
            if divisor in _averaged_over(inner):
                return divisor
    return None


def divided_by(root: Any) -> int | None:
    """Return the whole number that a loss, which is one mean, is divided by in all; None where it is anything else."""
    node, product = root, 1
    for _ in range(_MOST_NODES):
        divisor = _divisor(node)
        if divisor is None:
            return product if _mean_sizes(node) else None
        product *= divisor
        node = next(following for following, _ in node.next_functions if following is not None)
    return None


def divided_by_one(root: Any) -> bool:
    """Return whether a loss is what a loss function gave over one, as Accelerate divides where it accumulates none."""
    node, divided = root, False
    for _ in range(_MOST_NODES):
        if MARK in metadata_of(node):
            return divided
        if _divisor(node) != 1:
            return False
        node, divided = next(following for following, _ in node.next_functions if following is not None), True
    return False


def _divisor(node: Any) -> int | None:
    """Return the whole number by which an operation divides a single number, None for any other."""
    scaled = scaling(node) if shape_of(node) == [] else None
    if scaled is None or (isinstance(scaled[1], torch.Tensor) and scaled[1].device.type != "cpu"):
        return None
    value = float(scaled[1])
    divisor = value if bare(node) == "Div" else (1.0 / value if value else 0.0)
    if not math.isfinite(divisor):
        return None
    whole = round(divisor)
    return whole if whole > 0 and abs(divisor - whole) <= _ALMOST * whole else None


def _averaged_over(node: Any) -> set[int]:
    """Return how many examples or values the means below a number go over, as far as only scaling lies between."""
    found: set[int] = set()
    seen, queue = {node}, deque([node])
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        sizes = _mean_sizes(node)
        found |= sizes
        if sizes or shape_of(node) != []:
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)
    return found


def _mean_sizes(node: Any) -> set[int]:
    """Return the examples and the values that a node averages, none where it is no mean."""
    if bare(node) == "Mean" and shape_of(node) == []:
        shape = [int(size) for size in private_torch.saved(node, "self_sym_sizes") or ()]
        return {int(private_torch.saved(node, "self_sym_numel") or 0), *shape[:1]}
    if private_torch.saved(node, "reduction") == _MEAN:
        values = kept(node, "self")
        return set() if values is None else {int(values.numel()), *map(int, values.shape[:1])}
    return set()
