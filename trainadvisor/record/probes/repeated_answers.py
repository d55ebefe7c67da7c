"""Probe: the trained model as its own reference: the same input with and without gradients in one step."""

import math
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.describe import local, tensors_in
from trainadvisor.record.step import Call, Step

# Steps of a training that are looked at: in the first one a copy of the model answers like the model.
_FIRST, _LAST = 1, 12
# Trainings of a run, each of which begins with an optimizer of its own.
_MOST_TRAININGS = 4
# Calls of a step that are compared, and numbers of an output.
_MOST_CALLS, _COMPARED = 8, 4096
# Losses that are zero where both sides are equal.
_DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div"})
_ZERO = 1e-7

# Number of the model, its inputs, shape of its output, and a few numbers of that: a whole output is not kept.
Answer = tuple[int, list[torch.Tensor], torch.Size, torch.Tensor]


@dataclass
class _Counted:
    """Steps that were looked at, those with an equal pair, and of these the ones with a distance of zero."""

    steps: int = 0
    equal: int = 0
    zero: int = 0


@probe(order=110)
class SelfReferenceProbe:
    """Writes the event "self-reference" once its steps are over."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._answers: dict[bool, list[Answer]] = {True: [], False: []}
        self._counted = _Counted()
        # Of the current step: whether an equal pair was found, and whether distances are zero.
        self._equal: list[float] = []
        self._distances: list[float] = []
        self._told = False
        # Where the training began that is looked at, and how many did so far.
        self._start, self._trainings = 0, 1

    def rests_until(self, routine: Routine) -> float:
        """Rest when the steps that are looked at are over."""
        return math.inf if routine.step > self._start + _LAST and not self._answers[True] else routine.step

    def _looking(self) -> bool:
        return _FIRST <= self._context.step_number - self._start <= _LAST and not self._context.step.done

    def on_made(self, thing: object, _: object) -> None:
        """Begin anew with an optimizer that is made once the first steps are over."""
        number = self._context.step_number
        late = isinstance(thing, torch.optim.Optimizer) and number > self._start + _LAST
        if late and self._trainings < _MOST_TRAININGS:
            self._tell()
            self._start, self._trainings = number, self._trainings + 1
            self._counted, self._told = _Counted(), False

    @unless_resting
    def on_forward_ends(self, call: Call) -> None:
        """Compare an answer with those of the other kind to the same input."""
        if not self._looking() or len(self._answers[call.grad]) >= _MOST_CALLS:
            return
        inputs = list(tensors_in((call.args, call.kwargs)))[:_MOST_CALLS]
        output = next((t for t in tensors_in(call.output) if t.is_floating_point() and not t.is_meta), None)
        if output is None or not inputs:
            return
        answer = call.model.number, inputs, output.shape, _few(output.detach()).clone()
        for other in self._answers[not call.grad]:
            self._compare(answer, other)
        self._answers[call.grad].append(answer)

    @unless_resting
    def on_loss(self, kind: str, _: object, __: object, result: torch.Tensor) -> None:
        """Read a distance between two answers."""
        if kind in _DISTANCES and self._looking() and self._answers[False] and result.requires_grad:
            self._read(result.detach().abs().max(), self._distances)

    @unless_resting
    def on_close(self, step: Step) -> None:
        """Count the step."""
        if not self._answers[True]:
            return
        self._answers = {True: [], False: []}
        counted = self._counted
        counted.steps += 1
        equal, distances = self._equal, self._distances
        self._equal, self._distances = [], []

        def count() -> None:
            found = 1.0 in equal
            counted.equal += found
            counted.zero += found and bool(distances) and min(distances) <= _ZERO

        step.finally_(count)
        if step.number >= self._start + _LAST:
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell what a short run showed."""
        self._tell()

    def _compare(self, one: Answer, other: Answer) -> None:
        (model, inputs, shape, output), (number, others, other_shape, reference) = one, other
        alike = model == number and len(inputs) == len(others) and shape == other_shape
        if alike and all(_alike(a, b) for a, b in zip(inputs, others, strict=True)):
            same = [torch.equal(a, b) for a, b in zip(inputs, others, strict=True) if a is not b]
            if all(same):
                self._read((output == reference).all().float(), self._equal)

    def _read(self, number: torch.Tensor, into: list[float]) -> None:
        self._context.step.expect(self._context.values.read(number), into.extend)

    def _tell(self) -> None:
        counted, detail = self._counted, dict[str, Any]()
        if self._told or not counted.steps:
            return
        self._told = True

        def complete(_: list[float]) -> None:
            detail.update(looked=counted.steps, equal=counted.equal, zero=counted.zero)

        self._context.event("self-reference", "", detail, [(Reading([]), complete)])


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.device == other.device


def _few(output: torch.Tensor) -> torch.Tensor:
    return local(output).reshape(-1)[:_COMPARED]
