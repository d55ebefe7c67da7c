"""Probe: batches of which the loss ignores every label, in training and in evaluation, and the classes of these."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.evaluations.evaluation_sums import label_counts
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_arguments import CLASSIFYING
from trainadvisor.record.losses.loss_calls import named

TRAINING, EVALUATION = "training", "evaluation"
# Batches of the training that are looked at first; after that those of sampled steps.
_FIRST = 64
_MOST = 2000
_IGNORED = -100
# Classes up to which those of an evaluation's labels are counted.
_MOST_CLASSES = 200


@dataclass
class _Counted:
    """Batches of one phase, and on the device how many of them had no label that counts."""

    batches: int = 0
    empty: torch.Tensor | None = None
    told: int = 0
    # Whether a loss of the phase averages over its labels: a mean over nothing is NaN, a sum is zero.
    averaged: bool = False
    # How often each class is a label; None as well where losses differ in their classes.
    classes: torch.Tensor | None = None

    def add_classes(self, prediction: object, target: torch.Tensor, ignored: int) -> None:
        """Count the classes of a batch."""
        if not isinstance(prediction, torch.Tensor) or prediction.ndim < 2 or prediction.shape[1] > _MOST_CLASSES:
            return
        found = label_counts(prediction, target.detach(), ignored)
        if self.batches == 1 or found is None:
            self.classes = found
        elif self.classes is not None:
            self.classes = self.classes + found if self.classes.shape == found.shape else None


@probe(order=132)
class LabelCountProbe:
    """Counts batches whose loss is over nothing."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._counted = {TRAINING: _Counted(), EVALUATION: _Counted()}

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches are counted, or where there are no labels, and all is told."""
        over = self._counted[TRAINING].batches >= _FIRST or not routine.kinds & CLASSIFYING
        waits = any(map(_is_due, self._counted.values()))
        return math.inf if over and not waits else routine.step

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Count a batch."""
        if kind not in CLASSIFYING:
            return
        phase = TRAINING if result.requires_grad else EVALUATION
        counted = self._counted[phase]
        past = counted.batches >= _FIRST and phase == TRAINING and not self._context.step.sample_layers
        if past or counted.batches >= _MOST:
            return
        given = named(kind, args, kwargs)
        target = given.get("target")
        if not isinstance(target, torch.Tensor) or target.is_floating_point() or not target.numel():
            return
        ignored = given.get("ignore_index", _IGNORED)
        empty = (target.detach() == ignored).all()
        counted.averaged |= given.get("reduction", "mean") == "mean"
        counted.batches += 1
        if phase == EVALUATION:
            counted.add_classes(given.get("input"), target, ignored)
        counted.empty = empty.long() if counted.empty is None else counted.empty + empty.to(counted.empty.device)

    @unless_resting
    def on_close(self, _: object) -> None:
        """Tell the first batches, and now and then what has become of the evaluations."""
        for phase, counted in self._counted.items():
            if _is_due(counted):
                self._tell(phase, counted)

    def on_stop(self, _: str) -> None:
        """Tell all that was counted."""
        for phase, counted in self._counted.items():
            if counted.batches > counted.told:
                self._tell(phase, counted)

    def _tell(self, phase: str, counted: _Counted) -> None:
        assert counted.empty is not None
        counted.told = counted.batches
        detail: dict[str, Any] = {"batches": counted.batches, "averaged": counted.averaged}
        read = self._context.values.read
        arriving = [(read(counted.empty), lambda values: detail.update(empty=int(values[0])))]
        if counted.classes is not None:
            arriving.append((read(counted.classes), lambda values: detail.update(histogram=list(values))))
        self._context.event("label-counts", phase, detail, arriving)


def _is_due(counted: _Counted) -> bool:
    """Return whether so many batches have been counted since that they are to be told."""
    return counted.batches >= 2 * counted.told and counted.batches > counted.told
