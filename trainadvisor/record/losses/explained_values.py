"""How much of the variance of its targets a value function explains, where the loss squares their difference."""

from collections.abc import Iterator
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import kept, operands, region, unshaped
from trainadvisor.record.losses.node_values import value_of
from trainadvisor.record.losses.whole_graph import outputs_of_layer

_CALLED = frozenset({"MseLoss", "SmoothL1Loss", "HuberLoss"})
_LEAST_VALUES = 16


def explained_variances(root: Any) -> list[torch.Tensor]:
    """Return 1 - Var(target - value) / Var(target) of each value function in a loss; NaN where targets are equal."""
    found = []
    for values, targets in _pairs(root):
        if values.shape == targets.shape and values.numel() >= _LEAST_VALUES:
            found.append(1 - (targets - values).float().var() / targets.float().var())
    return found


def _pairs(root: Any) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield the outputs of one-output heads, and the constants that a loss compares them with."""
    for node in region(root):
        if bare(node) in _CALLED:
            sides = operands(node)
            for one, other in (sides, sides[::-1]) if sides else ():
                given = kept(node, "self" if one is sides[0] else "target")
                if one.node is not None and other.constant is not None and given is not None and _is_head(one.node):
                    yield given, other.constant
        elif bare(node) == "Pow" and float(private_torch.saved(node, "exponent")) == 2.0:
            yield from _squared(node)


def _squared(node: Any) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    difference, sub = kept(node, "self"), node.next_functions[0][0]
    if difference is None or sub is None or bare(sub) != "Sub":
        return
    first, second = (following for following, _ in sub.next_functions)
    if (first is None) == (second is None) or not _is_head(first or second):
        return
    values = value_of(first or second)
    if values is not None and values.shape == difference.shape:
        yield values, values - difference if second is None else values + difference


def _is_head(node: Any) -> bool:
    """Return whether a value is the output of a layer with one output, or the one column that was taken of it."""
    node = unshaped(node)
    return outputs_of_layer(node.next_functions[0][0] if bare(node) == "Select" else node) == 1
