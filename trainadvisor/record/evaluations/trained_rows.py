"""The rows that a model was trained on, by fingerprint, also under the optimizers that the same line made before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record.evaluations import fingerprints
from trainadvisor.record.objects.describe import sampled

if TYPE_CHECKING:
    from trainadvisor.record.device_readback import Reading, Values
    from trainadvisor.record.objects.watched_model import Model

# Numbers of one matrix by which weights are known again.
_COMPARED = 64
# Optimizers of one line whose rows are kept.
_MOST_BEFORE = 8
# Numbers of batches whose fingerprints are taken together: of small ones each alone would cost as much.
_TOGETHER = 1 << 16


@dataclass
class TrainedRows:
    """The rows that one optimizer trained a model on, as far as they were taken."""

    values: Values
    own: set[tuple[float, ...]] = field(default_factory=set)
    taken: int = 0
    # Pairs of rows within a batch, and how many of them are equal: how likely rows coincide by chance.
    pairs: int = 0
    equal: int = 0
    # Numbers of batches whose fingerprints are not taken yet; then such fingerprints, with the rows of each batch.
    waiting: list[torch.Tensor] = field(default_factory=list)
    open: list[tuple[Reading, list[int]]] = field(default_factory=list)
    # What the optimizer before it trained on, and how many of some weights have changed since its last evaluation.
    before: tuple[TrainedRows, Reading] | None = None

    def take(self, batch: torch.Tensor) -> None:
        """Take the rows of a batch."""
        with torch.no_grad():
            numbers = fingerprints.numbers_of(batch).clone()
            if self.waiting and _kind(numbers) != _kind(self.waiting[0]):
                self._read()
            self.waiting.append(numbers)
            self.taken += len(numbers)
            if sum(map(torch.numel, self.waiting)) >= _TOGETHER:
                self._read()

    def _read(self) -> None:
        waiting, self.waiting = self.waiting, []
        if waiting:
            with torch.no_grad():
                reading = self.values.read(fingerprints.of_numbers(torch.cat(waiting)))
            self.open.append((reading, [len(numbers) for numbers in waiting]))

    def arrive(self) -> None:
        """Take the readings that are here."""
        self._read()
        still = []
        for reading, sizes in self.open:
            if reading.values is None:
                still.append((reading, sizes))
                continue
            found = iter(pairs_of(reading))
            for size in sizes:
                self._add(Counter(islice(found, size)), size)
        self.open = still

    def _add(self, rows: Counter[tuple[float, float]], count: int) -> None:
        self.pairs += count * (count - 1) // 2
        self.equal += sum(n * (n - 1) // 2 for n in rows.values())
        self.own.update(rows)

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


def _kind(numbers: torch.Tensor) -> tuple[object, ...]:
    return numbers.shape[1], numbers.dtype, numbers.device


def pairs_of(reading: Reading) -> list[tuple[float, float]]:
    """Return the fingerprints of the rows of a batch."""
    values = reading.values or []
    return list(zip(values[::2], values[1::2], strict=True))
