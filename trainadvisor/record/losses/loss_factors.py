"""The numbers with which a loss weights the log-probabilities of a policy: its advantages or returns."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import torch

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import operands, region

_OF_LOG_PROBABILITIES = frozenset({"LogSoftmax", "Exp", "Log", "Gather", "Index", "NllLoss", "LogSigmoid"})
_MOST_NODES = 24
_LEAST_VALUES = 2


# A node made of log-probabilities, and the factor of each example.
Weighed = tuple[Any, torch.Tensor]


def policy_terms(root: Any) -> Iterator[Weighed]:
    """Yield the nodes made of log-probabilities that a loss weighs example by example, with the factors."""
    for node in region(root):
        if bare(node) != "Mul":
            continue
        sides = operands(node)
        for one, other in (sides, sides[::-1]) if sides else ():
            factor = other.constant
            if one.node is None or factor is None or factor.numel() < _LEAST_VALUES or not factor.is_floating_point():
                continue
            if _is_log_probability(one.node):
                yield one.node, factor


def _is_log_probability(node: Any) -> bool:
    """Return whether a value is made of log-probabilities, as a ratio of them is."""
    seen, queue = {node}, deque([node])
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        if bare(node) in _OF_LOG_PROBABILITIES:
            return True
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)
    return False
