"""Whether masks let the real places of sequences through, or the padding: by what the places hold."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.losses.visible_places import ATTENTION

# Different contents of the hidden places from which on they are no padding.
_VARIOUS = 3
RIGHT, INVERTED = "right", "inverted"


def numbered(vectors: torch.Tensor) -> torch.Tensor:
    """Return ids for the places of sequences of vectors, the same for the same vector."""
    weights = torch.linspace(1.0, 2.0, vectors.shape[-1], dtype=torch.float64)
    return torch.unique(vectors.double() @ weights, return_inverse=True)[1]  # type: ignore[no-any-return]


@dataclass
class MaskSides:
    """Sums over batches."""

    # Masks that let real places or padding through, by what they are put on.
    masks: Counter[tuple[str, str]] = field(default_factory=Counter)
    # Of inverted masks: rows, places that are let through, those hidden, what is let through, and how many a row.
    rows: int = 0
    shown: int = 0
    hidden: int = 0
    padding: set[int] = field(default_factory=set)
    lengths: set[int] = field(default_factory=set)

    def add(self, kind: str, visible: torch.Tensor, sources: list[torch.Tensor]) -> None:
        """Take a mask and the ids of the sequences that it may be about, of its own shape."""
        rows = _cut(visible)
        if not rows.any() or not sources:
            return
        parts = [(ids[rows][visible[rows]], ids[rows][~visible[rows]]) for ids in sources]
        if any(_is_one(hidden) and not _is_one(shown) for shown, hidden in parts):
            self.masks[kind, RIGHT] += 1
        elif _at_edge(visible[rows]) and all(_is_one(shown) for shown, _ in parts):
            various = [shown for shown, hidden in parts if len(set(hidden.tolist())) >= _VARIOUS]
            if various:
                self.masks[kind, INVERTED] += 1
                self._add_inverted(various[0], visible[rows])

    def _add_inverted(self, shown: torch.Tensor, visible: torch.Tensor) -> None:
        self.rows += len(visible)
        self.shown += len(shown)
        self.hidden += int((~visible).sum())
        self.padding.add(int(shown[0]))
        self.lengths.update(visible.sum(1).tolist())

    def fact(self) -> dict[str, Any]:
        """Return what was found."""
        inverted = [kind for kind, side in self.masks if side == INVERTED]
        counts = {side: sum(n for (_, of), n in self.masks.items() if of == side) for side in (RIGHT, INVERTED)}
        return {
            **counts, "on": ATTENTION if ATTENTION in inverted else (inverted or [""])[0],
            "cut_rows": self.rows, "shown": self.shown, "hidden": self.hidden, "lengths": len(self.lengths),
            "ids": len(self.padding),
        }  # fmt: skip


def _cut(visible: torch.Tensor) -> torch.Tensor:
    """Return the rows that are hidden in part: whole ones say nothing."""
    return visible.any(1) & ~visible.all(1)


def _is_one(ids: torch.Tensor) -> bool:
    return bool((ids == ids[0]).all())


def _at_edge(visible: torch.Tensor) -> bool:
    """Return whether what is visible are the ends of all rows, or the starts of all."""
    changes = (visible[:, 1:] != visible[:, :-1]).sum(1)
    return bool((changes == 1).all()) and (bool(visible[:, -1].all()) or bool(visible[:, 0].all()))
