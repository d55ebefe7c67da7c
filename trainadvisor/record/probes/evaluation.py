"""Probe: evaluations: forwards without gradients whose loss is computed, joined until the training goes on."""

import time
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.log.records import EVAL, Record
from trainadvisor.record.context import Context, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.losses.loss_arguments import CLASSIFYING
from trainadvisor.record.losses.loss_calls import LossCall, correct
from trainadvisor.record.step import Arrived, Call

_MOST_CLASSES = 2000
_HELD = 8
_REGRESSION = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}


@dataclass
class _Part:
    """Sums over the batches of one loss."""

    entry: Any
    weights: list[int] = field(default_factory=list)
    elements: int = 0
    """What a mean would have divided by."""
    values: list[torch.Tensor] = field(default_factory=list)
    right: list[torch.Tensor] = field(default_factory=list)
    squares: list[torch.Tensor] = field(default_factory=list)
    """[sum (y - p)^2, sum y, sum y^2, count] of each batch, for the explained variance."""
    spreads: list[torch.Tensor] = field(default_factory=list)
    predicted: torch.Tensor | None = None


@dataclass
class _Block:
    """One evaluation."""

    begun: float
    forwards: int = 0
    mode: str = "eval"
    care: bool = False
    wrong_mode: list[str] = field(default_factory=list)
    model: int | None = None
    parts: dict[int, _Part] = field(default_factory=dict)


@probe(order=130)
class EvaluationProbe:
    """Joins losses computed without gradients into evaluations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._block: _Block | None = None
        self._tentative: list[LossCall] = []
        """Losses with gradients of a model in eval mode since its last forward: an evaluation, unless trained on."""

    def on_forward_begins(self, call: Call) -> None:
        """Settle the losses of the forward before: no backward has followed."""
        if call.grad and self._tentative:
            self._settle()

    def on_forward_ends(self, call: Call) -> None:
        """Open an evaluation with a forward without gradients; in training mode, not amid a step (a pseudo-label)."""
        if call.grad or (self._context.step.micro and call.training):
            return
        block = self._block = self._block or _Block(time.perf_counter())
        block.forwards += 1
        if block.model is None or call.model.trained:
            block.model = call.model.number
        caring = list(call.model.caring)
        block.care = block.care or bool(caring)
        wrong = [call.model.layer_names.get(id(module), "") for module in caring if module.training]
        if wrong and call.model.trained:
            block.mode, block.wrong_mode = "train", wrong[:5]
            self._context.counts.add("train_mode_eval_forward")

    def on_untrained_loss(self, call: LossCall, grad: bool) -> None:  # noqa: FBT001 - an event has no keywords
        """Take a loss of an evaluation; one with gradients waits until it is clear that nothing trains on it."""
        if grad:
            self._tentative = [*self._tentative[1 - _HELD :], call]
        elif self._block is not None:
            self._add(self._block, call)

    def _settle(self) -> None:
        tentative, self._tentative = self._tentative, []
        if tentative:
            self._block = self._block or _Block(time.perf_counter())
        for call in tentative:
            if "eval" not in call.entry.phases:
                call.entry.phases.add("eval")
                self._context.losses.announce(call.entry)
            self._add(self._block, call) if self._block else None

    def on_backward_begins(self, *_: object) -> None:
        """Forget the losses that are being differentiated; the evaluation before is over, and the training goes on."""
        self._tentative = []
        if self._block is not None:
            self._finish()

    def on_stop(self, _: str) -> None:
        """Write the last evaluation."""
        self._settle()
        self._finish()

    def on_given_validation(self, *_: object) -> None:
        """Forget the evaluation that was seen: its result is given by the user."""
        self._block, self._tentative = None, []

    def _add(self, block: _Block, call: LossCall) -> None:
        part = block.parts.setdefault(call.entry.number, _Part(call.entry))
        prediction, target = call.prediction, call.target
        with torch.no_grad():
            part.weights.append(prediction.shape[0] if prediction.ndim else 1)
            part.values.append(call.value.float().mean())
            part.elements += _elements(prediction, call.entry.kind)
            right = correct(call)
            if right is not None:
                part.right.append(
                    torch.stack([right.float().sum(), torch.full((), float(right.numel()), device=right.device)])
                )
            if prediction.ndim > 1 and prediction.is_floating_point() and prediction.numel():
                part.spreads.append(prediction.float().flatten(1)[:, :256].std(0, unbiased=False).mean())
            if call.entry.kind in CLASSIFYING and 1 < prediction.shape[1] <= _MOST_CLASSES:
                counts = _class_counts(prediction)
                part.predicted = counts if part.predicted is None else part.predicted + counts
            if call.entry.kind in _REGRESSION and isinstance(target, torch.Tensor) and target.shape == prediction.shape:
                part.squares.append(_square_sums(prediction, target))

    def _finish(self) -> None:
        block, self._block = self._block, None
        if block is None or not block.parts:
            return
        context = self._context
        record: Record = {"record": EVAL, "step": context.steps_done(), "epoch": context.last_epoch,
                          "model": block.model, "mode": block.mode, "care": block.care,
                          "train_mode_modules": block.wrong_mode, "losses": {}, "metrics": {},
                          "seconds": time.perf_counter() - block.begun}  # fmt: skip
        pending: list[tuple[Reading, Arrived]] = []
        for part in block.parts.values():
            self._read_loss(part, record, pending)
        record["loss_id"] = self._comparable(block)
        if record["loss_id"] is not None:
            key = str(record["loss_id"])
            self._read_metrics(block.parts[record["loss_id"]], record, pending)
            pending.append((Reading([]), lambda _: record.update(loss=record["losses"].get(key))))
        if all(reading.values is not None for reading, _ in pending):
            for reading, arrived in pending:
                arrived(reading.values or [])
            pending = []
        context.write(record, pending)

    def _read_loss(self, part: _Part, record: Record, pending: list[tuple[Reading, Arrived]]) -> None:
        total = sum(part.weights)
        key, summed = str(part.entry.number), part.entry.fact["reduction"] == "sum"
        weights = [1.0 if summed else weight / total for weight in part.weights]
        # a sum is told as the mean that the training reports, so that the two can be compared
        divisor = part.elements if part.entry.kind in self._context.losses.train_kinds("mean") else len(part.weights)

        def losses(values: list[float]) -> None:
            mean = sum(v * w for v, w in zip(values, weights, strict=True))
            record["losses"][key] = mean / divisor if summed else mean

        pending.append((self._context.values.read(torch.stack(part.values)), losses))

    def _read_metrics(self, part: _Part, record: Record, pending: list[tuple[Reading, Arrived]]) -> None:
        """Read what the part whose loss is told says beside it; another part may be another data set."""
        read = self._context.values.read
        record["examples"], record["batches"] = sum(part.weights), len(part.weights)
        if part.right:
            pending.append(
                (read(torch.stack(part.right).sum(0)), lambda v: record["metrics"].update(accuracy=v[0] / v[1]))
            )
        if part.squares:
            pending.append(
                (read(torch.stack(part.squares).sum(0)), lambda v: record["metrics"].update(r2=_explained(v)))
            )
        if part.spreads:
            pending.append((read(torch.stack(part.spreads).mean()), lambda v: record.update(output_spread=v[0])))
        if part.predicted is not None:
            pending.append(
                (
                    read(part.predicted),
                    lambda v: record.update(majority_share=max(v) / sum(v), classes_predicted=sum(n > 0 for n in v)),
                )
            )

    def _comparable(self, block: _Block) -> int | None:
        """Return the loss to compare with training: the same call, else the same kind, else the first."""
        trained = [part.entry.number for part in block.parts.values() if "train" in part.entry.phases]
        kinds = self._context.losses.train_kinds()
        same = [part.entry.number for part in block.parts.values() if part.entry.kind in kinds]
        candidates: list[int] = trained or same or list(block.parts)
        return candidates[0]


def _elements(prediction: torch.Tensor, kind: str) -> int:
    classes = prediction.shape[1] if kind in CLASSIFYING and prediction.ndim > 1 else 1
    return max(1, prediction.numel() // max(1, classes))


def _class_counts(prediction: torch.Tensor) -> torch.Tensor:
    chosen = prediction.argmax(1).flatten()
    return torch.zeros(prediction.shape[1], device=prediction.device).scatter_add_(
        0, chosen, torch.ones_like(chosen, dtype=torch.float32)
    )


def _square_sums(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    p, y = prediction.double(), target.double()
    return torch.stack(
        [
            (y - p).square().sum(),
            y.sum(),
            y.square().sum(),
            torch.full((), float(y.numel()), device=y.device, dtype=y.dtype),
        ]
    )


def _explained(sums: list[float]) -> float | None:
    wrong, total, square, count = sums
    spread = square - total * total / count if count else 0.0
    return 1.0 - wrong / spread if spread > 0 else None
