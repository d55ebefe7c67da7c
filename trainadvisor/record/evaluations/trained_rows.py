"""The rows that a model was trained on, by fingerprint, also under the optimizers that the same line made before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record.objects.describe import sampled

if TYPE_CHECKING:
    from trainadvisor.record.device_readback import Reading, Values
    from trainadvisor.record.objects.watched_model import Model

# Numbers of one matrix by which weights are known again.
_COMPARED = 64
# Optimizers of one line whose rows are kept.
_MOST_BEFORE = 8


@dataclass
class TrainedRows:
    """The rows that one optimizer trained a model on, as far as they were taken."""

    own: set[tuple[float, ...]] = field(default_factory=set)
    taken: int = 0
    # Pairs of rows within a batch, and how many of them are equal: how likely rows coincide by chance.
    pairs: int = 0
    equal: int = 0
    open: list[Reading] = field(default_factory=list)
    # What the optimizer before it trained on, and how many of some weights have changed since its last evaluation.
    before: tuple[TrainedRows, Reading] | None = None

    def arrive(self) -> None:
        """Take the readings that are here."""
        still = []
        for reading in self.open:
            if reading.values is None:
                still.append(reading)
                continue
            rows = Counter(pairs_of(reading))
            count = sum(rows.values())
            self.pairs += count * (count - 1) // 2
            self.equal += sum(n * (n - 1) // 2 for n in rows.values())
            self.own.update(rows)
        self.open = still

    def all(self) -> set[tuple[float, ...]]:
        """Return the rows that these weights were trained on, also by the optimizers that they come from."""
        rows, current = set(self.own), self
        for _ in range(_MOST_BEFORE):
            if current.before is None or current.before[1].values != [0.0]:
                break
            current = current.before[0]
            rows |= current.own
        return rows


class LeftWeights:
    """A few weights of each model at its last evaluation, by which the next optimizer's start is told."""

    def __init__(self, values: Values) -> None:
        self._values = values
        # By the number of the model: the identity of a matrix, and a few numbers of it.
        self._left: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(self, model: Model) -> None:
        """Keep a few numbers of the model's last matrix; biases may be zero before and after a fresh start."""
        matrix = next((p for p in reversed(model.parameters) if p.ndim > 1), None)
        if matrix is not None and matrix.layout is torch.strided and not matrix.is_meta:
            with torch.no_grad():
                self._left[model.number] = id(matrix), sampled(matrix, _COMPARED).clone()

    def changed(self, model: int, optimizer: torch.optim.Optimizer) -> Reading | None:
        """Return how many of these numbers an optimizer begins with differ; None where it does not hold them."""
        kept: tuple[int, torch.Tensor] | None = self._left.get(model)
        held: dict[int, Any] = {id(p): p for group in optimizer.param_groups for p in group["params"]}
        if kept is None or kept[0] not in held:
            return None
        with torch.no_grad():
            now = sampled(held[kept[0]], _COMPARED)
            if now.shape != kept[1].shape or now.device != kept[1].device:
                return None
            return self._values.read((now != kept[1]).sum().float().reshape(1))


def pairs_of(reading: Reading) -> list[tuple[float, float]]:
    """Return the fingerprints of the rows of a batch."""
    values = reading.values or []
    return list(zip(values[::2], values[1::2], strict=True))
