"""Which labels of a sequence model stand at padding: a run of one id at the end or start of rows, and nowhere else."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch

# A run at the end of a row that is shorter may be a word said twice.
_LEAST_RUN = 2


@dataclass
class PaddedLabels:
    """Sums over batches."""

    # Labels at padding, by what they are.
    labels: Counter[int] = field(default_factory=Counter)
    # Padding ids inside of the runs and outside of them.
    inside: int = 0
    outside: int = 0
    # Rows by the length of their run.
    runs: Counter[int] = field(default_factory=Counter)

    def add(self, label: torch.Tensor, place: torch.Tensor, ids: torch.Tensor) -> None:
        """Take the labels of a batch that count, the place of each, and the ids, rows by columns."""
        mask = padding_of(ids)
        if not mask.any():
            return
        # The last padding before a row asks for its first id, where labels are the next ids.
        first = (mask & ~mask.roll(-1, 1)).flatten()[place] & (label == ids.roll(-1, 1).flatten()[place])
        self.labels.update(label[mask.flatten()[place] & ~first].tolist())
        self.inside += int(mask.sum())
        self.outside += int((ids == ids[mask][0]).sum() - mask.sum())
        self.runs.update(mask.sum(1).tolist())

    def fact(self) -> dict[str, Any]:
        """Return what was found, nothing where no row is padded."""
        if not self.labels:
            return {}
        (_, most), count = self.labels.most_common(1)[0], sum(self.labels.values())
        return {
            "padded_labels": count, "padded_alike": most / count, "padding_elsewhere": self.outside / self.inside,
            "padding_lengths": len(self.runs),
        }  # fmt: skip


def padding_of(ids: torch.Tensor) -> torch.Tensor:
    """Return where rows are padded: runs of one id at their ends or at their starts, whichever are longer."""
    return max((_at_end(ids), _at_end(ids.flip(1)).flip(1)), key=lambda found: int(found.sum()))


def _at_end(ids: torch.Tensor) -> torch.Tensor:
    """Return where rows end in a run of the id that most of such runs consist of."""
    last = ids[:, -1:]
    run = (ids == last).flip(1).cumprod(1).flip(1).bool()
    run &= run.sum(1, keepdim=True) >= _LEAST_RUN
    rows = run.any(1)
    if not rows.any():
        return run
    return run & (last == last[rows].mode(0).values)
