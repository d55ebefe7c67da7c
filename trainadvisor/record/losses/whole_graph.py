"""The whole graph of a loss, read once: its nodes, and which of them use the result of each."""

from collections import deque
from collections.abc import Collection
from functools import cached_property
from typing import Any

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import shape_of

_MOST_NODES = 20_000
_WEIGHTED = ("Addmm", "Mm", "Linear", "Convolution")


class WholeGraph:
    """Nodes of a graph in the order from the loss, with their users."""

    def __init__(self, root: Any) -> None:
        """Walk the graph from a loss's node, breadth first."""
        self.nodes: list[Any] = []
        self.users: dict[Any, list[Any]] = {}
        seen, queue = {root}, deque([root])
        while queue and len(seen) < _MOST_NODES:
            node = queue.popleft()
            self.nodes.append(node)
            for following, _ in node.next_functions:
                if following is None:
                    continue
                self.users.setdefault(following, []).append(node)
                if following not in seen:
                    seen.add(following)
                    queue.append(following)

    @cached_property
    def kinds(self) -> list[str]:
        """Return the operation of each node."""
        return [bare(node) for node in self.nodes]

    def of(self, kinds: Collection[str]) -> list[Any]:
        """Return the nodes of some operations."""
        return [node for node, kind in zip(self.nodes, self.kinds, strict=True) if kind in kinds]

    def user(self, node: Any) -> Any:
        """Return the only user of a node's result, None where there are several or none."""
        users = self.users.get(node, [])
        return users[0] if len(users) == 1 else None


def leaves(root: Any, *, most: int) -> list[Any] | None:
    """Return the tensors at the ends of a graph, None where it has more operations than are looked at."""
    seen, waiting = {root}, [root]
    while waiting:
        for following, _ in waiting.pop().next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
        if len(seen) > most:
            return None
    return [node.variable for node in seen if hasattr(node, "variable")]


def outputs_of_layer(node: Any) -> int | None:
    """Return the number of outputs of the layer that made a value, scaled and reshaped since; None of anything else."""
    for _ in range(8):
        name = bare(node)
        if name.startswith(_WEIGHTED):
            shape = shape_of(node)
            return shape[-1] if shape and _has_weight(node) and not name.startswith("Convolution") else None
        before = [following for following, _ in node.next_functions if following is not None]
        if len(before) != 1 or name not in _PASSING:
            return None
        node = before[0]
    return None


_PASSING = frozenset({
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Div", "Mul", "Add", "MaskedFill", "ToCopy", "Alias",
    "Expand", "Neg", "Clone", "Where",
})  # fmt: skip


def _has_weight(node: Any) -> bool:
    """Return whether one side of a product is a parameter, transposed or not."""
    sides = [following for following, _ in node.next_functions if following is not None]
    inner = [side.next_functions[0][0] if bare(side) in {"T", "Transpose"} else side for side in sides]
    return any(hasattr(side, "variable") and side.variable.ndim > 1 for side in inner if side is not None)
