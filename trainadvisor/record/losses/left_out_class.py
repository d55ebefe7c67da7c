"""Whether a loss that ignores one class ignores it at real places of sequences too, and not only at their padding."""

from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.losses.padded_labels import padding_of


@dataclass
class LeftOutClass:
    """Sums over batches."""

    # Rows whose first place is ignored, and those where it counts; the same of the last place.
    first_ignored: int = 0
    first_counted: int = 0
    last_ignored: int = 0
    last_counted: int = 0
    # Places that are no padding, and those of them that are ignored.
    places: int = 0
    ignored: int = 0

    def add(self, target: torch.Tensor, place: torch.Tensor, ids: torch.Tensor, classes: int, ignored: int) -> None:
        """Take the labels of a batch, the place of each, the ids, rows by columns, and what the loss leaves out.

        Only of taggers: a language model has a class for each id, and masks places on purpose.
        """
        if not 0 <= ignored < classes or classes > int(ids.max()):
            return
        label = torch.full((ids.numel(),), -1, dtype=torch.long)
        label[place.flatten()] = target.flatten().long()
        label = label.reshape(ids.shape)
        real = (label >= 0) & ~padding_of(ids)
        rows = real.any(1)
        every = torch.arange(ids.shape[0])
        first = label[every, real.int().argmax(1)][rows]
        last = label.flip(1)[every, real.flip(1).int().argmax(1)][rows]
        self.first_ignored += int((first == ignored).sum())
        self.first_counted += int((first != ignored).sum())
        self.last_ignored += int((last == ignored).sum())
        self.last_counted += int((last != ignored).sum())
        self.places += int(real.sum())
        self.ignored += int((real & (label == ignored)).sum())

    def fact(self) -> dict[str, Any]:
        """Return what was found, nothing where no class is left out."""
        names = ("first_ignored", "first_counted", "last_ignored", "last_counted", "places", "ignored")
        return {f"left_out_{name}": getattr(self, name) for name in names} if self.places else {}
