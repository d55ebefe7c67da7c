"""Where prompts end in sequences that all have one separator, and how many of the labels stand before it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

# Entries of the table of counts, rows times different ids, that a batch may need.
_MOST = 20_000_000
# Labels that an answer has at least behind the separator: one and a stop token.
_ANSWER = 2


@dataclass
class PromptParts:
    """Counts over batches: the labels before each id that stands exactly once inside of every sequence."""

    rows: int = 0
    labels: int = 0
    # Labels up to each id that may be the separator, and the sum of its places.
    before: Counter[int] = field(default_factory=Counter)
    places: Counter[int] = field(default_factory=Counter)

    def add(self, ids: torch.Tensor, place: torch.Tensor) -> None:
        """Take the ids of a batch, and the places whose next id is a label that counts."""
        kinds, numbers = torch.unique(ids, return_inverse=True)
        if (self.rows and not self.places) or ids.shape[0] * kinds.numel() > _MOST:
            return
        counts = torch.zeros(ids.shape[0], kinds.numel(), dtype=torch.int32)
        counts.scatter_add_(1, numbers, torch.ones_like(numbers, dtype=torch.int32))
        counted = torch.zeros(ids.numel(), dtype=torch.bool)
        counted[place] = True
        counted = counted.view(ids.shape)
        found = {}
        for number in (counts == 1).all(0).nonzero().flatten().tolist():
            parts = _parts(numbers == number, counted)
            if parts is not None:
                found[int(kinds[number])] = parts
        self._join(found)
        self.rows += ids.shape[0]
        self.labels += int(counted.sum())

    def _join(self, found: dict[int, tuple[int, int]]) -> None:
        """Keep what was found in every batch."""
        for kind in [kind for kind in self.places if kind not in found]:
            del self.places[kind], self.before[kind]
        for kind, (before, place) in found.items():
            if not self.rows or kind in self.places:
                self.before[kind] += before
                self.places[kind] += place

    def fact(self) -> dict[str, Any]:
        """Return the last of the separators, and the share of the labels that are the prompt's."""
        if not self.rows:
            return {}
        if not self.places:
            return {"separated_rows": 0}
        kind = max(self.places, key=lambda kind: (self.places[kind], kind))
        share = self.before[kind] / self.labels
        return {"separated_rows": self.rows, "separator": kind, "prompt_share": share}


def _parts(is_separator: torch.Tensor, counted: torch.Tensor) -> tuple[int, int] | None:
    """Return the labels up to a separator and the sum of its places; None where it begins or ends a sequence."""
    where = is_separator.int().argmax(1)
    prompt = torch.arange(counted.shape[1]) < where[:, None]
    answers = (counted & ~prompt).sum(1)
    if int(where.min()) == 0 or int(answers.min()) < _ANSWER:
        return None
    return int((counted & prompt).sum()), int(where.sum())
