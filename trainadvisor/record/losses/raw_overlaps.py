"""Finds an overlap (Dice, Jaccard) that was made of the raw outputs of a layer, which lie outside of 0 to 1."""

from collections import deque
from typing import Any

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import operands, region, unshaped

_WEIGHTED = ("Addmm", "Mm", "Linear", "Convolution", "MkldnnConvolution", "CudnnConvolution")
_SCALING = frozenset({"Add", "Sub", "Mul", "Neg", "Div", "View", "Squeeze", "Select", "Unsqueeze", "Expand"})
_MOST_NODES = 16


def raw_overlap(root: Any) -> bool:
    """Return whether a loss divides the sum of outputs times targets by a sum of the same outputs, which are raw."""
    for node in region(root):
        sides = operands(node) if bare(node) == "Div" else []
        if len(sides) < 2 or sides[0].node is None or sides[1].node is None:
            continue
        products, plain = _summed(sides[0].node), _summed(sides[1].node)
        if any(_is_raw(outputs) for outputs in _times_targets(products) if outputs in map(unshaped, plain)):
            return True
    return False


def _summed(node: Any) -> list[Any]:
    """Return what the sums in a number go over."""
    found, seen, queue = [], {node}, deque([node])
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        inner = [following for following, _ in node.next_functions if following is not None]
        if bare(node) == "Sum":
            found += inner
        elif bare(node) in _SCALING:
            queue.extend(following for following in inner if following not in seen)
            seen.update(inner)
    return found


def _times_targets(nodes: list[Any]) -> list[Any]:
    """Return the outputs in products of outputs with a constant of their size."""
    found = []
    for node in nodes:
        for one, other in zip(operands(node), operands(node)[::-1], strict=True) if bare(node) == "Mul" else ():
            if one.node is not None and other.constant is not None and other.constant.numel() > 1:
                found.append(unshaped(one.node))
    return found


def _is_raw(node: Any) -> bool:
    return bare(node).startswith(_WEIGHTED)
