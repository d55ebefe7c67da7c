"""Probe: the norm of every parameter's gradient, before clipping, and of all together."""

import math
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import torch

from trainadvisor.log.records import LAYERS, Record
from trainadvisor.record.inventory import Model
from trainadvisor.record.iteration import Iteration

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


def norms(gradients: list[torch.Tensor]) -> torch.Tensor:
    """Return the L2 norm of each dense or sparse gradient as one float32 vector; half precision does not overflow."""
    dense = [g._values() if g.is_sparse else g for g in gradients]  # noqa: SLF001 - public `values` needs coalescing
    dense = [torch.view_as_real(g) if g.is_complex() else g for g in dense]
    dense = [g.to_local() if hasattr(g, "to_local") else g for g in dense]
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = defaultdict(list)
    for index, gradient in enumerate(dense):
        groups[gradient.device, gradient.dtype].append(index)
    found: list[torch.Tensor] = [torch.empty(0)] * len(dense)
    for (_, dtype), indices in groups.items():
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        for index, norm in zip(indices, torch._foreach_norm([dense[i] for i in indices], 2, dtype=wide), strict=True):  # noqa: SLF001
            found[index] = norm.float()
    first = found[0].device
    return torch.stack([norm.to(first, non_blocking=True) for norm in found])


class GradientProbe:
    """Measures before the first optimizer step of a sampled iteration, and before the user's clipping."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._measured: set[int] = set()

    def on_backward_ends(self, *_: object) -> None:
        """Measure early enough to be before any clipping; a later backward measures again."""
        recorder = self._recorder
        if (recorder.iteration.sample_gradients or recorder.iteration.sample_layers) and not recorder.in_step:
            started = time.perf_counter()
            self._measure_all(recorder.iteration)
            recorder.gradients.charge(recorder.step, time.perf_counter() - started)

    def on_step_ends(self, _: object) -> None:
        """Measure after a closure, when the gradients exist only inside the step (LBFGS)."""
        iteration = self._recorder.iteration
        if (iteration.sample_gradients or iteration.sample_layers) and "grads" not in iteration.samples:
            self._measure_all(iteration)

    def _measure_all(self, iteration: Iteration) -> None:
        factor = self._recorder.precision.unscale_factor()
        samples: dict[int, Record] = {}
        for model in iteration.models:
            samples[model.number] = self._measure(model, iteration, factor)
        iteration.samples["grads"] = samples

    def _measure(self, model: Model, iteration: Iteration, factor: float) -> Record:
        gradients = [p.grad for p in model.parameters]
        present = [index for index, g in enumerate(gradients) if g is not None and g.numel() > 0]
        record: Record = {"record": LAYERS, "step": iteration.step, "model": model.number, "grad": [None] * len(gradients)}
        if not present:
            return record

        def arrived(values: list[float]) -> None:
            for index, value in zip(present, values, strict=True):
                record["grad"][index] = value * factor
            total = math.sqrt(sum((value * factor) ** 2 for value in values))
            iteration.fields["grad_norm"] = total

        iteration.expect(self._recorder.values.read(norms([g for g in gradients if g is not None and g.numel() > 0])), arrived)
        return record
