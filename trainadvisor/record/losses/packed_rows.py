"""Whether attention crosses the borders of the documents in packed rows, where the model is told where they are."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.losses.sequence_graph import allowed_by

# Names of arguments that say where a place stands in its document, and of which document it is.
POSITIONS = frozenset({"position_ids", "positions", "pos_ids", "position"})
DOCUMENTS = frozenset({
    "document_ids", "doc_ids", "document_id", "doc_id", "docs", "documents", "seq_idx", "seq_ids", "sequence_ids",
    "sequence_id", "segment_ids", "segments",
})  # fmt: skip
LENGTHS = frozenset({"cu_seqlens", "cu_seq_lens", "cu_seq_lens_q", "cu_seqlens_q"})
# Documents of a row from which on numbers that only grow are no mask.
_SEVERAL = 3


def borders_of(name: str, told: torch.Tensor, rows: int, columns: int) -> torch.Tensor | None:
    """Return where documents of at least two places begin behind such, rows by columns; None where none are told."""
    if name in LENGTHS:
        return _by_lengths(told, rows, columns)
    if tuple(told.shape) not in ((rows, columns), (columns,)):
        return None
    told = told.expand(rows, columns)
    step = told[:, 1:] - told[:, :-1]
    if name in POSITIONS:
        begins = (told == told.min())[:, 1:]
        if not bool(((step == 1) | begins).all()):
            return None
    else:
        begins = step > 0
        if bool((step < 0).any()) or int(begins.sum(1).max()) < _SEVERAL - 1:
            return None
    first = torch.ones(rows, 1, dtype=torch.bool)
    return _of_length(torch.cat([first, begins], 1))


def _by_lengths(told: torch.Tensor, rows: int, columns: int) -> torch.Tensor | None:
    right = told.ndim == 1 and len(told) >= _SEVERAL and int(told[0]) == 0 and int(told[-1]) == columns
    if rows != 1 or not right or not bool((told[1:] > told[:-1]).all()):
        return None
    begins = torch.zeros(1, columns, dtype=torch.bool)
    begins[0, told[:-1]] = True
    return _of_length(begins)


def _of_length(begins: torch.Tensor) -> torch.Tensor | None:
    """Return the beginnings with two places of one document on both sides."""
    inside = ~begins
    near = torch.zeros_like(begins)
    near[:, 2:-1] = begins[:, 2:-1] & inside[:, 1:-2] & inside[:, 3:]
    return near if near.any() else None


@dataclass
class PackedRows:
    """Sums over batches."""

    looks: int = 0
    names: Counter[str] = field(default_factory=Counter)
    borders: int = 0
    # Attentions, and of those the ones that cross every border, or are cut at every one.
    attentions: int = 0
    crossing: int = 0
    cut: int = 0
    # Borders before which, or at which, the one id stands that most often does.
    before: Counter[int] = field(default_factory=Counter)
    at: Counter[int] = field(default_factory=Counter)

    def add(self, nodes: list[Any], name: str, borders: torch.Tensor, ids: torch.Tensor) -> None:
        """Take the borders in a batch, with the ids of its rows."""
        seen = [crossed for node in nodes if (crossed := _crossed(node, borders)) is not None]
        if not seen:
            return
        self.looks += 1
        self.names[name] += 1
        self.borders += int(borders.sum())
        self.attentions += len(seen)
        self.crossing += sum(share == 1.0 for share in seen)
        self.cut += sum(share == 0.0 for share in seen)
        self.at.update(ids[borders].tolist())
        self.before.update(ids[borders.roll(-1, 1)].tolist())

    def fact(self) -> dict[str, Any]:
        """Return what was found."""
        most = max(max(found.values(), default=0) for found in (self.before, self.at))
        return {
            "looks": self.looks, "told_by": next(iter(self.names), ""), "borders": self.borders,
            "attentions": self.attentions, "crossing": self.crossing, "cut": self.cut,
            "marked_share": most / self.borders if self.borders else 0.0,
        }  # fmt: skip


def _crossed(node: Any, borders: torch.Tensor) -> float | None:
    """Return at which share of the borders a causal attention sees the document before, None for anything else."""
    rows, columns = borders.shape
    allowed = allowed_by(node)
    if allowed is None or allowed.ndim < 2 or allowed.shape[-2:] != (columns, columns):
        return None
    each = allowed.reshape(-1, columns, columns).cpu()
    if bool(each.diagonal(1, -2, -1).any()) or (len(each) > 1 and len(each) % rows):
        return None
    by_row = each.reshape(rows, -1, columns, columns) if len(each) > 1 else each[None].expand(rows, -1, -1, -1)
    seen = by_row.any(1).diagonal(-1, -2, -1)[borders[:, 1:]]
    return float(seen.float().mean())
