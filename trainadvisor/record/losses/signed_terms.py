"""What a value adds up: its terms, each with the number that it is weighted with."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import operands, scaling

_PASSING = frozenset({
    "Mean", "Sum", "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "ToCopy", "Clone", "Expand",
})  # fmt: skip
_MOST_TERMS = 64

# A term's node, and its weight.
Weighted = tuple[Any, float]


def signed_terms(root: Any, is_term: Callable[[Any], bool]) -> Iterator[Weighted]:
    """Yield the terms of a sum or mean of sums with their weights; a node that `is_term` is not taken apart further.

    A divisor that the device holds is a count, and counts as 1.
    """
    queue = [(root, 1.0)]
    for _ in range(_MOST_TERMS):
        if not queue:
            return
        node, weight = queue.pop()
        parts = [] if is_term(node) else _parts(node)
        if not parts:
            yield node, weight
        queue += [(part, weight * factor) for part, factor in parts if part is not None]


def _parts(node: Any) -> list[Weighted]:
    """Return the nodes that a node adds up and their factors; nothing of one that does something else."""
    name, inner = bare(node), [following for following, _ in node.next_functions]
    if name in {"Add", "Sub", "Rsub"}:
        alpha = float(private_torch.saved(node, "alpha"))
        second = alpha if name == "Add" else -alpha
        return list(zip(inner, (1.0, second), strict=False)) if name != "Rsub" else [(inner[0], -alpha)]
    if name in _PASSING:
        return [(inner[0], 1.0)]
    if name == "Neg":
        return [(inner[0], -1.0)]
    if name in {"Mul", "Div"}:
        return _scaled(node)
    return []


def _scaled(node: Any) -> list[Weighted]:
    scaled = scaling(node)
    if scaled is None:
        return _masked(node)
    number = scaled[1]
    if isinstance(number, torch.Tensor) and number.device.type != "cpu":
        return [(scaled[0], 1.0)] if bare(node) == "Div" else []
    factor = float(number)
    if bare(node) == "Div":
        return [(scaled[0], 1 / factor)] if factor else []
    return [(scaled[0], factor)]


def _masked(node: Any) -> list[Weighted]:
    """Return what a product with a mask weighs: a constant of whole numbers or of truth values."""
    sides = operands(node) if bare(node) == "Mul" else []
    for one, other in (sides, sides[::-1]) if sides else ():
        if one.node is not None and other.constant is not None and not other.constant.is_floating_point():
            return [(one.node, 1.0)]
    return []
