"""Probe: how far a step moves every parameter, and whether it landed beyond the minimum along its own direction."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.objects.describe import numbers_in, sampled
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.probes.gradient_norms import norms
from trainadvisor.record.step import Iteration

if TYPE_CHECKING:
    from trainadvisor.log.records import Record
    from trainadvisor.record.recorder import Recorder


@dataclass
class _Before:
    """A sample of every parameter and gradient of a model before the step."""

    model: Model
    weights: list[torch.Tensor]
    gradients: list[torch.Tensor | None]
    closure: bool
    """Whether the step itself calls the model, perhaps several times."""


@dataclass
class _Taken:
    """A step that was taken: its sample, and <gradient, step>, waiting for the next gradient."""

    model: Model
    number: int
    steps: list[torch.Tensor]
    slope: torch.Tensor


class UpdateProbe:
    """Compares a strided sample (at most 16,384 elements a parameter) before and after a sampled step.

    The normalised step is alpha = -<g(t+1), s> / <g(t), s> with s the step (Cockpit, `quantities/alpha.py`): -1 when
    no curvature was felt, 0 when the step ended in the minimum along s, 1 at mirror height beyond it.
    """

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._before: list[_Before] = []
        self._taken: list[_Taken] = []

    def on_step_begins(self, optimizer: torch.optim.Optimizer, closure: object) -> None:
        """Sample before the first optimizer of the iteration steps; a closure calls the model only after that."""
        iteration = self._recorder.iteration
        if (self._taken or iteration.sample_layers) and not iteration.stepped:
            ahead = closure and not iteration.micro
            self._sample(self._recorder.inventory.models_of(optimizer) if ahead else None)

    def on_backward_ends(self, *_: object) -> None:
        """Sample after the backward where no optimizer is there to announce the step."""
        if self._recorder.course.free_running and (self._taken or self._recorder.iteration.sample_layers):
            self._sample()

    def on_direct_backward(self, _: object) -> None:
        """Sample where the script gets the gradients and updates by hand."""
        self._sample()

    def _sample(self, ahead: list[Model] | None = None) -> None:
        """Take the models that were called in this step, or those given, whose gradients are not there yet."""
        iteration = self._recorder.iteration
        self._alpha(iteration)
        if not iteration.sample_layers or self._before:
            return
        for model in (model for model in ahead or iteration.models if model.numbers):
            weights = [sampled(p).clone() for p in model.parameters]
            gradients = [
                None if ahead or p.grad is None or p.grad.is_sparse else sampled(p.grad).clone()
                for p in model.parameters
            ]
            self._before.append(_Before(model, weights, gradients, bool(ahead)))

    @only_sampled
    def on_close(self, iteration: Iteration) -> None:
        """Compare with the sample."""
        before, self._before = self._before, []
        for sample in before:
            self._compare(sample, iteration)

    def _compare(self, sample: _Before, iteration: Iteration) -> None:
        after = [sampled(p) for p in sample.model.parameters]
        if [new.shape for new in after] != [old.shape for old in sample.weights]:
            return  # the model has been exchanged in the middle of the step, or is gone
        steps = [(new - old).float() for new, old in zip(after, sample.weights, strict=True)]
        moved, size = norms(steps), norms([old if old.is_floating_point() else old.float() for old in sample.weights])
        thinned = [
            (numbers_in(p) / max(1, old.numel())) ** 0.5
            for p, old in zip(sample.model.parameters, sample.weights, strict=True)
        ]
        columns: Record = {}
        iteration.samples.setdefault("updates", {})[sample.model.number] = columns
        single = iteration.micro == 1 or not sample.closure  # several of LBFGS are no update as others make them

        def arrived(values: list[float]) -> None:
            deltas, norms = values[: len(steps)], values[len(steps) :]
            if single:
                columns["update"] = [delta / (norm + 1e-12) for delta, norm in zip(deltas, norms, strict=True)]
            columns["weight"] = [norm * factor for norm, factor in zip(norms, thinned, strict=True)]
            self._recorder.wiring.moved(any(delta > 0 for delta in deltas))

        iteration.expect(self._recorder.values.read(torch.cat([moved, size])), arrived)
        slopes = [
            torch.dot(g.float(), s)
            for g, s in zip(sample.gradients, steps, strict=True)
            if g is not None and g.shape == s.shape
        ]
        if slopes:
            self._taken.append(_Taken(sample.model, iteration.step, steps, torch.stack(slopes).sum()))

    def _alpha(self, iteration: Iteration) -> None:
        """Compare the gradient at the end of the sampled step before with the one at its start."""
        taken, self._taken = self._taken, []
        for step in taken:
            gradients = [p.grad for p in step.model.parameters]
            if step.number + 1 != iteration.step or len(gradients) != len(step.steps):
                continue
            pairs = [
                (sampled(g), s) for g, s in zip(gradients, step.steps, strict=True) if g is not None and not g.is_sparse
            ]
            if pairs and all(g.shape == s.shape for g, s in pairs):
                slope = torch.stack([torch.dot(g.float(), s) for g, s in pairs]).sum()
                self._expect_alpha(step, slope, iteration)

    def _expect_alpha(self, step: _Taken, slope: torch.Tensor, iteration: Iteration) -> None:
        columns: Record = {}
        iteration.samples.setdefault("alpha", {})[step.model.number] = columns

        def arrived(values: list[float]) -> None:
            if values[1] != 0:
                columns["alpha"] = -values[0] / values[1]

        iteration.expect(self._recorder.values.read(torch.stack([slope, step.slope])), arrived)
