"""Padding that is averaged with what a row holds: ids that are embedded, and summed over the places as they are."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.padded_labels import padding_of
from trainadvisor.record.losses.whole_graph import WholeGraph

_POOLING, _BETWEEN = frozenset({"Mean", "Sum"}), frozenset({"View", "ToCopy", "Squeeze"})
_MATRIX, _PLACES = 2, 1


@dataclass
class PooledPadding:
    """Sums over batches."""

    looks: int = 0
    places: int = 0
    # Padding ids at the ends (or starts) of rows, and the same id at other places.
    inside: int = 0
    outside: int = 0
    # Rows by how much of them is padding.
    runs: Counter[int] = field(default_factory=Counter)

    def add(self, ids: torch.Tensor) -> None:
        """Take the ids, rows by places, of one average."""
        self.looks += 1
        self.places += ids.numel()
        mask = padding_of(ids)
        if mask.any():
            same = ids == ids[mask][0]
            run = _ends(same) | _ends(same.flip(1)).flip(1)
            self.inside += int(run.sum())
            self.outside += int((same & ~run).sum())
            self.runs.update(run.sum(1).tolist())

    def fact(self) -> dict[str, Any]:
        """Return what was found."""
        return {"places": self.places, "padding": self.inside, "elsewhere": self.outside, "lengths": len(self.runs)}


def _ends(same: torch.Tensor) -> torch.Tensor:
    """Return the runs that reach the end of their row, of any length."""
    return same.flip(1).cumprod(1).flip(1).bool()


def pooled_ids(graph: WholeGraph) -> list[torch.Tensor]:
    """Return the ids whose vectors a graph averages over the places of a row, of tables that know no padding."""
    found = []
    for node in graph.of(_POOLING):
        table = _table(node) if _is_over_places(node) else None
        ids = None if table is None or _knows_padding(table) else private_torch.saved(table, "indices")
        if ids is not None and ids.ndim == _MATRIX and ids.shape[1] > 1:
            found.append(ids)
    return found


def _is_over_places(node: Any) -> bool:
    dims = private_torch.saved(node, "dim")
    return isinstance(dims, tuple) and dims == (_PLACES,)


def _table(node: Any) -> Any:
    """Return the node of the table whose rows are averaged as they are, None where anything else is."""
    for _ in range(4):
        before = [following for following, _ in node.next_functions if following is not None]
        if len(before) != 1:
            return None
        node = before[0]
        if bare(node) == "Embedding":
            return node
        if bare(node) not in _BETWEEN:
            return None
    return None


def _knows_padding(table: Any) -> bool:
    """Return whether an index was named whose row stays as it is; for none torch saves -1, as a number without sign."""
    index = private_torch.saved(table, "padding_idx")
    return index is None or 0 <= index < 2**63
