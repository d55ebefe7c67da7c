"""The sequences of ids that were looked up on the way to a loss, and which results each of them went into."""

from typing import Any

import torch

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.sequence_graph import embedded_ids
from trainadvisor.record.losses.whole_graph import WholeGraph

# Sequences of a loss that are told apart at most.
_MOST = 8
# Weights times values.
_PRODUCTS = ("Bmm", "Mm")


class SequenceSources:
    """Ids by number, and the nodes of the graph that each reaches."""

    def __init__(self, graph: WholeGraph) -> None:
        """Find what was looked up, positions included."""
        self.ids: list[torch.Tensor] = []
        self._reached: list[set[Any]] = []
        self._graph = graph
        for node in graph.of({"Embedding"}):
            ids = embedded_ids(node)
            if ids is not None:
                self._add(ids.cpu(), node)

    def _add(self, ids: torch.Tensor, node: Any) -> None:
        known = next((number for number, other in enumerate(self.ids) if torch.equal(ids, other)), None)
        if known is None:
            if len(self.ids) == _MOST:
                return
            known = len(self.ids)
            self.ids.append(ids)
            self._reached.append(set())
        self._spread(node, self._reached[known])

    def _spread(self, node: Any, reached: set[Any]) -> None:
        """Put a node and all that used it, directly or not, into a set."""
        queue = [node]
        while queue:
            used = queue.pop()
            if used not in reached:
                reached.add(used)
                queue += self._graph.users.get(used, [])

    def of(self, node: Any) -> list[int]:
        """Return the numbers of the sequences that went into the result of a node."""
        return [number for number, reached in enumerate(self._reached) if node in reached]

    def read_by(self, node: Any, number: int) -> bool:
        """Return whether a sequence is among what a node mixes the places of: an attention that of its values."""
        name = bare(node)
        place = 0 if "Rnn" in name else 1 if name in _PRODUCTS or name.startswith("ScaledDotProduct") else None
        return (node if place is None else node.next_functions[place][0]) in self._reached[number]

    def number_of(self, ids: torch.Tensor) -> int | None:
        """Return the number of a sequence, None where it was not looked up."""
        return next((number for number, other in enumerate(self.ids) if torch.equal(ids, other)), None)


def is_counted(ids: torch.Tensor) -> bool:
    """Return whether ids are the positions 0, 1, 2, ... in every row."""
    return ids.ndim > 0 and bool((ids == torch.arange(ids.shape[-1], device=ids.device)).all())
