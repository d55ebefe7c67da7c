"""Finds a logarithm of raw outputs that were cut to lie between 0 and 1, as if that made probabilities of them."""

from collections import deque
from typing import Any

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import region, unshaped

_WEIGHTED = ("Addmm", "Mm", "Linear", "Convolution", "MkldnnConvolution", "CudnnConvolution")
_LOGARITHMS = frozenset({"Log", "BinaryCrossEntropy"})
# Operations between the clamp and the logarithm: p or 1 - p, of the class that is right.
_BETWEEN = frozenset({
    "Where", "Rsub", "Sub", "Add", "Mul", "Neg", "Gather", "Index", "View", "Squeeze", "Unsqueeze", "Clamp", "ClampMin",
})  # fmt: skip
_MOST_NODES = 16


def clamped_outputs(root: Any) -> bool:
    """Return whether a loss takes the logarithm of a layer's raw outputs, which a clamp has cut at 0 and 1.

    A clamp at one side alone keeps a rate or a variance positive; one behind a sigmoid or softmax is a safeguard.
    """
    return any(_cut(node) for node in region(root) if bare(node) in _LOGARITHMS)


def _cut(logarithm: Any) -> bool:
    seen, queue = {logarithm}, deque([logarithm])
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        if bare(node) == "Clamp" and _is_share(node) and bare(unshaped(_before(node))).startswith(_WEIGHTED):
            return True
        if node is not logarithm and bare(node) not in _BETWEEN:
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)
    return False


def _before(node: Any) -> Any:
    return next((following for following, _ in node.next_functions if following is not None), node)


def _is_share(clamp: Any) -> bool:
    """Return whether both ends of a clamp lie between 0 and 1, near these."""
    low, high = private_torch.saved(clamp, "min"), private_torch.saved(clamp, "max")
    numbers = all(isinstance(end, int | float) for end in (low, high))
    return bool(numbers and 0 <= low < 0.1 and 0.9 < high <= 1)
