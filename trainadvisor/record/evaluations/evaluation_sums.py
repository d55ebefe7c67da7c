"""Sums over the batches of one evaluation: of its losses, right answers, squares and spreads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.log.records import Record
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.losses.loss_arguments import BINARY, CLASSIFYING
from trainadvisor.record.losses.loss_calls import LossCall, LossEntry, hits, terms
from trainadvisor.record.step import Arrived

_MOST_CLASSES, _MOST_COLUMNS = 2000, 4096
REGRESSION = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
# What a score is above where the answer is yes; masks have a side of at least so many places.
_LEVELS = {"binary_cross_entropy": 0.5, "binary_cross_entropy_with_logits": 0.0}
_SIDE = 8
_TABLE = 2
Read = Callable[[torch.Tensor], Reading]
Pending = list[tuple[Reading, Arrived]]


@dataclass
class AnswerSums:
    """What predictions and targets say beside a loss."""

    right: list[torch.Tensor] = field(default_factory=list)
    # [sum (y - p)^2, sum y, sum y^2, count] of each batch, for the explained variance.
    squares: list[torch.Tensor] = field(default_factory=list)
    # [Dice, intersection over union] of each batch of masks.
    overlaps: list[torch.Tensor] = field(default_factory=list)
    spreads: list[torch.Tensor] = field(default_factory=list)
    predicted: torch.Tensor | None = None
    # [labels that are marked, labels, targets that are no labels] of each batch with several labels an example.
    found: list[torch.Tensor] = field(default_factory=list)

    def add_spread(self, prediction: torch.Tensor) -> None:
        """Add how far the outputs of a batch lie apart."""
        if prediction.ndim > 1 and prediction.is_floating_point() and prediction.numel():
            self.spreads.append(prediction.float().flatten(1)[:, :256].std(0, unbiased=False).mean())

    def add_classes(self, prediction: torch.Tensor) -> None:
        """Count the classes that are predicted."""
        if 1 < prediction.shape[1] <= _MOST_CLASSES:
            counts = _class_counts(prediction)
            self.predicted = counts if self.predicted is None else self.predicted + counts

    def add_marks(self, kind: str, prediction: torch.Tensor) -> None:
        """Count the places that are marked, and those that are not, in masks of one channel."""
        if _is_mask(prediction):
            marked = (prediction > _LEVELS[kind]).sum()
            counts = torch.stack([prediction.numel() - marked, marked]).double()
            self.predicted = counts if self.predicted is None else self.predicted + counts

    def add_found(self, kind: str, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Count the labels that are marked, where an example may have several."""
        if prediction.ndim == _TABLE and prediction.shape[1] > 1:
            marked, wanted = prediction > _LEVELS[kind], target == 1
            self.found.append(torch.stack([(marked & wanted).sum(), wanted.sum(), (~wanted & (target != 0)).sum()]))

    def add_squares(self, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Add the squares that the explained variance needs."""
        self.squares.append(_square_sums(prediction, target))

    def join(self, other: "AnswerSums") -> None:
        """Add those of further batches."""
        for name in ("right", "squares", "overlaps", "spreads", "found"):
            getattr(self, name).extend(getattr(other, name))
        if other.predicted is not None:
            self.predicted = other.predicted if self.predicted is None else self.predicted + other.predicted

    def tell(self, record: Record, read: Read, pending: Pending) -> None:
        """Have the figures written into the record once they are here."""
        metrics = record["metrics"]
        if self.right:
            pending.append((read(torch.stack(self.right).sum(0)), lambda v: _note(metrics, "accuracy", _ratio(v))))
        if self.squares:
            pending.append((read(torch.stack(self.squares).sum(0)), lambda v: _note(metrics, "r2", _explained(v))))
        if self.overlaps:
            pending.append((read(torch.stack(self.overlaps).mean(0)), lambda v: metrics.update(dice=v[0], iou=v[1])))
        if self.found:
            pending.append((read(torch.stack(self.found).sum(0)), lambda v: _note(record, "labels_found", _share(v))))
        if self.spreads:
            pending.append((read(torch.stack(self.spreads).mean()), lambda v: record.update(output_spread=v[0])))
        if self.predicted is not None:
            pending.append(
                (
                    read(self.predicted),
                    lambda v: record.update(majority_share=max(v) / sum(v), classes_predicted=sum(n > 0 for n in v)),
                )
            )


@dataclass
class TargetSums:
    """What a constant answer would lose on the targets of an evaluation."""

    entry: LossEntry | None = None
    known: bool = True
    # Counts of classes, or [count, sum, sum of squares] of each column.
    sums: torch.Tensor | None = None

    def add(self, entry: LossEntry, prediction: torch.Tensor, target: torch.Tensor) -> None:
        """Add the targets of a batch."""
        batch = self._sums(entry, prediction, target) if self.known else None
        if batch is None or (self.sums is not None and self.sums.shape != batch.shape):
            self.known = False
            return
        self.entry = entry
        self.sums = batch if self.sums is None else self.sums + batch

    def _sums(self, entry: LossEntry, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor | None:
        weighed = entry.fact["weighted"] and entry.fact["reduction"] != "mean"
        if weighed or entry.fact["label_smoothing"] or not target.numel():
            return None
        if entry.kind in CLASSIFYING:
            return label_counts(prediction, target, entry.fact["ignore_index"])
        if (entry.kind == "mse_loss" or entry.kind in BINARY) and prediction.shape == target.shape:
            columns = target.flatten(1).double() if target.ndim > 1 else target.double().reshape(-1, 1)
            if columns.shape[1] <= _MOST_COLUMNS:
                count = torch.full_like(columns[0], columns.shape[0])
                return torch.stack([count, columns.sum(0), columns.square().sum(0)])
        return None

    def tell(self, record: Record, read: Read, pending: Pending) -> None:
        """Have the loss of the best constant answer written into the record."""
        if not self.known or self.sums is None or self.entry is None:
            return
        weights = self.entry.fact.get("weights") if self.entry.fact["weighted"] else [1.0]
        if isinstance(weights, list) and _fits(self.entry.kind, self.sums, weights):
            loss = _constant_loss(self.entry, self.sums, torch.tensor(weights, device=self.sums.device))
            pending.append((read(loss), lambda v: _note(record, "trivial", v[0])))


@dataclass
class LossSums:
    """Sums over the batches of one loss; a summed loss is told by the example, as a mean would be."""

    entry: LossEntry
    examples: list[int] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)
    terms: list[torch.Tensor] = field(default_factory=list)
    answers: AnswerSums = field(default_factory=AnswerSums)
    targets: TargetSums = field(default_factory=TargetSums)

    @property
    def summed(self) -> bool:
        """Return whether the loss is a sum over the batch."""
        return bool(self.entry.fact["reduction"] == "sum")

    def add(self, call: LossCall) -> None:
        """Add a call of the loss."""
        prediction, target = call.prediction, call.target
        self.add_value(call.value, prediction.shape[0] if prediction.ndim else 1)
        if self.summed:
            self.terms.append(terms(call))
        right = hits(call)
        if right is not None:
            self.answers.right.append(right)
        self.answers.add_spread(prediction)
        if call.entry.kind in CLASSIFYING and prediction.ndim > 1:
            self.answers.add_classes(prediction)
        elif call.entry.kind in BINARY and isinstance(target, torch.Tensor) and target.shape == prediction.shape:
            self.answers.add_marks(call.entry.kind, prediction)
            self.answers.add_found(call.entry.kind, prediction, target.detach())
        if isinstance(target, torch.Tensor):
            if call.entry.kind in REGRESSION and target.shape == prediction.shape:
                self.answers.add_squares(prediction, target)
            self.targets.add(call.entry, prediction, target.detach())

    def add_value(self, value: torch.Tensor, examples: int) -> None:
        """Add the value of a batch."""
        self.examples.append(examples)
        self.values.append(value.float().mean())

    def tell(self, losses: dict[str, Any], read: Read, pending: Pending) -> None:
        """Have the mean written into the losses of a record once it is here."""
        total, count = sum(self.examples), len(self.values)
        weights = [1.0 if self.summed else examples / total for examples in self.examples]

        def arrived(numbers: list[float]) -> None:
            whole = sum(number * weight for number, weight in zip(numbers[:count], weights, strict=True))
            losses[str(self.entry.number)] = whole / max(1.0, sum(numbers[count:])) if self.summed else whole

        pending.append((read(torch.stack([*self.values, *(n.float() for n in self.terms)])), arrived))


def _is_mask(prediction: torch.Tensor) -> bool:
    """Return whether a prediction is one number for each place of images, with or without an axis of one channel."""
    *channels, height, width = prediction.shape[1:] if prediction.ndim in (3, 4) else (0, 0, 0)
    return channels in ([], [1]) and min(height, width) >= _SIDE


def _fits(kind: str, sums: torch.Tensor, weights: list[float]) -> bool:
    """Return whether weights are those of the classes, or the one of the positives of a single column; or all alike."""
    if weights == [1.0]:
        return True
    if kind in CLASSIFYING:
        return len(weights) == len(sums)
    return kind == "binary_cross_entropy_with_logits" and len(weights) == sums.shape[1] == 1


def _constant_loss(entry: LossEntry, sums: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the entropy of the labels, or the variance of the targets, of a summed loss over all columns."""
    if entry.kind in CLASSIFYING:
        counts = sums * weights
        entropy: torch.Tensor = _entropies(counts / counts.sum().clamp_min(1e-12)).sum()
        return entropy
    count, total, square = sums
    mean = total / count
    if entry.kind in BINARY:
        # With a weight w, the least of w m softplus(-b) + (1 - m) softplus(b) over the answer b.
        positive, negative = weights * mean, 1 - mean
        whole = positive + negative
        columns: torch.Tensor = whole * (_entropies(positive / whole) + _entropies(negative / whole))
    else:
        columns = (square / count - mean.square()).clamp_min(0)
    return columns.sum() if entry.fact["reduction"] == "sum" else columns.mean()


def _entropies(shares: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = torch.special.entr(shares)
    return found


def label_counts(prediction: torch.Tensor, target: torch.Tensor, ignored: int) -> torch.Tensor | None:
    """Return how often each class is a label that counts, None of targets that are no classes."""
    if target.is_floating_point() or prediction.ndim != target.ndim + 1 or not 1 < prediction.shape[1] <= _MOST_CLASSES:
        return None
    labels = target.flatten()
    valid = (labels != ignored) & (labels >= 0) & (labels < prediction.shape[1])
    places = labels.clamp(0, prediction.shape[1] - 1).long()
    none = torch.zeros(prediction.shape[1], dtype=torch.float32, device=target.device)
    return none.scatter_add_(0, places, valid.float())


def _class_counts(prediction: torch.Tensor) -> torch.Tensor:
    chosen = prediction.argmax(1).flatten()
    return torch.zeros(prediction.shape[1], dtype=torch.float32, device=prediction.device).scatter_add_(
        0, chosen, torch.ones_like(chosen, dtype=torch.float32)
    )


def _square_sums(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    p, y = prediction.double(), target.double()
    count = torch.full((), float(y.numel()), device=y.device, dtype=y.dtype)
    return torch.stack([(y - p).square().sum(), y.sum(), y.square().sum(), count])


def _explained(sums: list[float]) -> float | None:
    wrong, total, square, count = sums
    spread = square - total * total / count if count else 0.0
    return 1.0 - wrong / spread if spread > 0 else None


def _ratio(pair: list[float]) -> float | None:
    return pair[0] / pair[1] if pair[1] else None


def _share(counts: list[float]) -> float | None:
    found, wanted, others = counts
    return found / wanted if wanted and not others else None


def _note(found: dict[str, Any], name: str, value: float | None) -> None:
    if value is not None and value == value:  # noqa: PLR0124 - NaN says nothing
        found[name] = value
