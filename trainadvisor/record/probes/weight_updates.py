"""Probe: how far a step moves every parameter, and whether it landed beyond the minimum along its own direction."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trainadvisor.instrument.gradients import gradient_of
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import only_sampled, unless_resting
from trainadvisor.record.objects.describe import numbers_in, sampled
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.probes.gradient_norms import norms
from trainadvisor.record.rotation import Rotation, Rows, is_part
from trainadvisor.record.step import Step

if TYPE_CHECKING:
    from trainadvisor.log.records import Record


# A sample is taken before the step and compared after it, which takes twice as long.
_STAGES = 3


@dataclass
class _Before:
    """A sample of every parameter and gradient of a model before the step."""

    model: Model
    weights: list[torch.Tensor]
    gradients: list[torch.Tensor | None]
    # Whether the step itself calls the model, perhaps several times.
    closure: bool
    rows: Rows
    seconds: float

    @property
    def parameters(self) -> list[torch.Tensor]:
        """Return the parameters that were sampled, as they are now."""
        return self.model.parameters[self.rows[0] : self.rows[1]]


@dataclass
class _Taken:
    """A step that was taken: its sample, and <gradient, step>, waiting for the next gradient."""

    model: Model
    number: int
    steps: list[torch.Tensor]
    slope: torch.Tensor


@probe(order=100)
class WeightUpdateProbe:
    """Compares a strided sample (at most 16,384 elements a parameter) before and after a sampled step.

    The normalized step is alpha = -<g(t+1), s> / <g(t), s> with s the step (Cockpit, `quantities/alpha.py`): -1 when
    no curvature was felt, 0 when the step ended in the minimum along s, 1 at mirror height beyond it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._before: list[_Before] = []
        self._taken: list[_Taken] = []
        self._rotation = Rotation(lambda: context.seconds_allowed() / _STAGES)

    def rests_until(self, routine: Routine) -> float:
        """Rest while no step waits for the next gradient."""
        return routine.step if self._taken else math.inf

    @unless_resting
    def on_step_begins(self, optimizer: torch.optim.Optimizer, closure: object) -> None:
        """Sample before the first optimizer of the step steps; a closure calls the model only after that."""
        step = self._context.step
        if (self._taken or step.sample_layers) and not step.stepped:
            ahead = closure and not step.micro
            self._sample(self._context.objects.models_of(optimizer) if ahead else None)

    @unless_resting
    def on_backward_ends(self, *_: object) -> None:
        """Sample after the backward where no optimizer is there to announce the step."""
        if self._context.boundaries.free_running and (self._taken or self._context.step.sample_layers):
            self._sample()

    def on_direct_backward(self, _: object) -> None:
        """Sample where the script gets the gradients and updates by hand."""
        self._sample()

    def _sample(self, ahead: list[Model] | None = None) -> None:
        """Take the models that were called in this step, or those given, whose gradients are not there yet."""
        step = self._context.step
        self._alpha(step)
        if not step.sample_layers or self._before:
            return
        for model in (model for model in ahead or step.models if model.numbers):
            self._before.append(self._sample_of(model, ahead=bool(ahead)))

    def _sample_of(self, model: Model, *, ahead: bool) -> _Before:
        """Sample a model, or a part of it that can be sampled in the time allowed."""
        parameters, begun = model.parameters, self._rotation.clock()
        start, stop, count = self._rotation.begin(model.number, len(parameters))
        sample = _Before(model, [], [], ahead, (start, stop, count), 0.0)
        for place in range(start, stop):
            if self._rotation.enough(model.number, place - start, self._rotation.clock() - begun):
                sample.rows = start, place, count
                break
            weight, given = parameters[place], gradient_of(parameters[place])
            sample.weights.append(sampled(weight).clone())
            absent = ahead or given is None or given.is_sparse
            sample.gradients.append(None if absent or given is None else sampled(given).clone())
        sample.seconds = self._rotation.clock() - begun
        return sample

    @only_sampled
    def on_close(self, step: Step) -> None:
        """Compare with the sample."""
        before, self._before = self._before, []
        for sample in before:
            begun = self._rotation.clock()
            self._compare(sample, step)
            seconds = sample.seconds + self._rotation.clock() - begun
            self._rotation.end(sample.model.number, sample.rows, seconds / _STAGES)

    def on_model_gone(self, model: int) -> None:
        """Forget what a model that the user has dropped has cost."""
        self._rotation.forget(model)

    def _compare(self, sample: _Before, step: Step) -> None:
        parameters = sample.parameters
        after = [sampled(p) for p in parameters]
        if [new.shape for new in after] != [old.shape for old in sample.weights]:
            return  # the model has been exchanged in the middle of the step, or is gone
        steps = [(new - old).float() for new, old in zip(after, sample.weights, strict=True)]
        moved, size = norms(steps), norms([old if old.is_floating_point() else old.float() for old in sample.weights])
        thinned = [
            (numbers_in(p) / max(1, old.numel())) ** 0.5 for p, old in zip(parameters, sample.weights, strict=True)
        ]
        columns: Record = {"rows": sample.rows} if is_part(sample.rows) else {}
        step.samples.setdefault("updates", {})[sample.model.number] = columns
        single = step.micro == 1 or not sample.closure  # several of LBFGS are no update as others make them

        def arrived(values: list[float]) -> None:
            deltas, norms = values[: len(steps)], values[len(steps) :]
            if single:
                columns["update"] = [delta / (norm + 1e-12) for delta, norm in zip(deltas, norms, strict=True)]
            columns["weight"] = [norm * factor for norm, factor in zip(norms, thinned, strict=True)]
            if any(delta > 0 for delta in deltas):
                self._context.publish("parameters_moved")

        step.expect(self._context.values.read(torch.cat([moved, size])), arrived)
        slopes = [
            torch.dot(g.float(), s)
            for g, s in zip(sample.gradients, steps, strict=True)
            if g is not None and g.shape == s.shape
        ]
        if slopes and not is_part(sample.rows):  # the slope along a step is of all parameters
            self._taken.append(_Taken(sample.model, step.number, steps, torch.stack(slopes).sum()))

    def _alpha(self, step: Step) -> None:
        """Compare the gradient at the end of the sampled step before with the one at its start."""
        taken, self._taken = self._taken, []
        for sample in taken:
            gradients = [gradient_of(p) for p in sample.model.parameters]
            if sample.number + 1 != step.number or len(gradients) != len(sample.steps):
                continue
            pairs = [
                (sampled(g), s)
                for g, s in zip(gradients, sample.steps, strict=True)
                if g is not None and not g.is_sparse
            ]
            if pairs and all(g.shape == s.shape for g, s in pairs):
                slope = torch.stack([torch.dot(g.float(), s) for g, s in pairs]).sum()
                self._expect_alpha(sample, slope, step)

    def _expect_alpha(self, sample: _Taken, slope: torch.Tensor, step: Step) -> None:
        columns: Record = {}
        step.samples.setdefault("alpha", {})[sample.model.number] = columns

        def arrived(values: list[float]) -> None:
            if values[1] != 0:
                columns["alpha"] = -values[0] / values[1]

        step.expect(self._context.values.read(torch.stack([slope, sample.slope])), arrived)
