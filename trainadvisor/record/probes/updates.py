"""Probe: how far a step moves every parameter, and whether it landed beyond the minimum along its own direction."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from trainadvisor.record.facts import sampled
from trainadvisor.record.iteration import Iteration
from trainadvisor.record.models import Model

if TYPE_CHECKING:
    from trainadvisor.log.records import Record
    from trainadvisor.record.recorder import Recorder


@dataclass
class _Before:
    """A sample of every parameter and gradient of a model before the step."""

    model: Model
    weights: list[torch.Tensor]
    gradients: list[torch.Tensor | None]


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
        self._started = 0.0

    def on_step_begins(self, *_: object) -> None:
        """Sample before the first optimizer of the iteration steps."""
        if not self._recorder.iteration.stepped:
            self._sample()

    def on_backward_ends(self, *_: object) -> None:
        """Sample after the backward where no optimizer is there to announce the step."""
        if self._recorder.course.free_running:
            self._sample()

    def on_direct_backward(self, _: object) -> None:
        """Sample where the script gets the gradients and updates by hand."""
        self._sample()

    def _sample(self) -> None:
        iteration = self._recorder.iteration
        self._alpha(iteration)
        if not iteration.sample_layers or self._before:
            return
        self._started = time.perf_counter()
        for model in iteration.models:
            weights = [sampled(p).clone() for p in model.parameters]
            gradients = [
                None if p.grad is None or p.grad.is_sparse else sampled(p.grad).clone() for p in model.parameters
            ]
            self._before.append(_Before(model, weights, gradients))

    def on_close(self, iteration: Iteration) -> None:
        """Compare with the sample."""
        before, self._before = self._before, []
        for sample in before:
            self._compare(sample, iteration)
        if before:
            self._recorder.layers.charge(iteration.step, time.perf_counter() - self._started)

    def _compare(self, sample: _Before, iteration: Iteration) -> None:
        after = [sampled(p) for p in sample.model.parameters]
        if [new.shape for new in after] != [old.shape for old in sample.weights]:
            return  # the model has been exchanged in the middle of the step, or is gone
        steps = [(new - old).float() for new, old in zip(after, sample.weights, strict=True)]
        moved = torch.stack([torch.linalg.vector_norm(step) for step in steps])
        size = torch.stack([torch.linalg.vector_norm(old.float()) for old in sample.weights])
        thinned = [
            (p.numel() / max(1, old.numel())) ** 0.5
            for p, old in zip(sample.model.parameters, sample.weights, strict=True)
        ]
        columns: Record = {}
        iteration.samples.setdefault("updates", {})[sample.model.number] = columns

        def arrived(values: list[float]) -> None:
            deltas, norms = values[: len(steps)], values[len(steps) :]
            columns["update"] = [delta / (norm + 1e-12) for delta, norm in zip(deltas, norms, strict=True)]
            columns["weight"] = [norm * factor for norm, factor in zip(norms, thinned, strict=True)]
            self._recorder.wiring.moved(any(delta > 0 for delta in deltas))

        iteration.expect(self._recorder.values.read(torch.cat([moved, size])), arrived)
        slopes = [
            (g.float() * s).sum()
            for g, s in zip(sample.gradients, steps, strict=True)
            if g is not None and g.shape == s.shape
        ]
        if slopes and not steps[0].is_complex():
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
                slope = torch.stack([(g.float() * s).sum() for g, s in pairs]).sum()
                self._expect_alpha(step, slope, iteration)

    def _expect_alpha(self, step: _Taken, slope: torch.Tensor, iteration: Iteration) -> None:
        columns: Record = {}
        iteration.samples.setdefault("alpha", {})[step.model.number] = columns

        def arrived(values: list[float]) -> None:
            if values[1] != 0:
                columns["alpha"] = -values[0] / values[1]

        iteration.expect(self._recorder.values.read(torch.stack([slope, step.slope])), arrived)
