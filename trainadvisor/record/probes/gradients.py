"""Probe: the norm of every parameter's gradient, before clipping, and of all together."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from trainadvisor.log.records import Record
from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.iteration import Iteration
from trainadvisor.record.models import Model

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


def norms(gradients: list[torch.Tensor]) -> torch.Tensor:
    """Return the L2 norm of each dense or sparse gradient as one float32 vector; half precision does not overflow."""
    dense = [g._values() if g.is_sparse else g for g in gradients]
    dense = [torch.view_as_real(g) if g.is_complex() else g for g in dense]
    dense = [g.to_local() if hasattr(g, "to_local") else g for g in dense]
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = defaultdict(list)
    for index, gradient in enumerate(dense):
        groups[gradient.device, gradient.dtype].append(index)
    found: list[torch.Tensor] = [torch.empty(0)] * len(dense)
    for (_, dtype), indices in groups.items():
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        for index, norm in zip(indices, torch._foreach_norm([dense[i] for i in indices], 2, dtype=wide), strict=True):
            found[index] = norm.float()
    first = found[0].device
    return torch.stack([norm.to(first, non_blocking=True) for norm in found])


class GradientProbe:
    """Measures before the first optimizer step of a sampled iteration, and before the user's clipping."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder

    @only_sampled
    def on_backward_ends(self, *_: object) -> None:
        """Measure early enough to be before any clipping; a later backward measures again."""
        recorder = self._recorder
        if (recorder.iteration.sample_gradients or recorder.iteration.sample_layers) and not recorder.course.in_step:
            started = time.perf_counter()
            self._measure_all(recorder.iteration)
            recorder.gradients.charge(recorder.step, time.perf_counter() - started)

    @only_sampled
    def on_step_ends(self, _: object) -> None:
        """Measure after a closure, when the gradients exist only inside the step (LBFGS)."""
        iteration = self._recorder.iteration
        if (iteration.sample_gradients or iteration.sample_layers) and "grads" not in iteration.samples:
            self._measure_all(iteration)

    def on_close(self, iteration: Iteration) -> None:
        """Add up the norms of the models that were trained, once they are here."""
        samples = iteration.samples.get("grads")
        if samples:
            trained = self._recorder.inventory.trained_by(iteration.stepped) & samples.keys() or samples.keys()
            numbers = {number: self._recorder.inventory.models[number].numbers for number in trained}
            iteration.finally_(lambda: _add_total(iteration, samples, numbers))

    def _measure_all(self, iteration: Iteration) -> None:
        factor = self._recorder.precision.unscaling()
        iteration.samples["grads"] = {
            model.number: self._measure(model, iteration, factor) for model in iteration.models
        }

    def _measure(self, model: Model, iteration: Iteration, factor: Callable[[], float]) -> Record:
        gradients = [p.grad for p in model.parameters]
        present = [index for index, g in enumerate(gradients) if g is not None and g.numel() > 0]
        column: list[float | None] = [None] * len(gradients)
        if present:
            found = norms([g for g in gradients if g is not None and g.numel() > 0])

            def arrived(values: list[float]) -> None:
                for index, value in zip(present, values, strict=True):
                    column[index] = value * factor()

            iteration.expect(self._recorder.values.read(found), arrived)
        return {"grad": column}


def _add_total(iteration: Iteration, samples: dict[int, Record], numbers: dict[int, list[int]]) -> None:
    """Set the norm over all parameters that have a gradient; a parameter of two models counts once."""
    norm_of = {
        parameter: norm
        for model, parameters in numbers.items()
        for parameter, norm in zip(parameters, samples[model]["grad"], strict=False)
        if norm is not None
    }
    if norm_of:
        iteration.fields["grad_norm"] = sum(norm * norm for norm in norm_of.values()) ** 0.5
