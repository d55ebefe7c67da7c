"""Probe: the norm of every parameter's gradient, before clipping, and of all together."""

import math
from collections import defaultdict
from collections.abc import Callable

import torch

from trainadvisor.instrument import private_torch, tracing
from trainadvisor.instrument.gradients import gradient_of
from trainadvisor.log.records import Record
from trainadvisor.record.context import Context, probe
from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.objects.describe import local
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.sampling import Jumps
from trainadvisor.record.step import Step

# A norm so many times its running mean is a jump, after so many steps.
_JUMP, _STEADY_AFTER = 10.0, 3


def norms(gradients: list[torch.Tensor]) -> torch.Tensor:
    """Return the L2 norm of each dense or sparse gradient as one float32 vector; half precision does not overflow."""
    dense = [_rows(g) if g.is_sparse else local(g) for g in gradients]
    dense = [torch.view_as_real(g.resolve_conj()) if g.is_complex() else g for g in dense]
    groups: dict[tuple[torch.device, torch.dtype], list[int]] = defaultdict(list)
    for index, gradient in enumerate(dense):
        groups[gradient.device, gradient.dtype].append(index)
    found: list[torch.Tensor] = [torch.empty(0)] * len(dense)
    for (_, dtype), indices in groups.items():
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        measured = private_torch.foreach_norm([dense[i] for i in indices], 2, dtype=wide)
        for index, norm in zip(indices, measured, strict=True):
            found[index] = norm if wide == torch.float32 else norm.float()
    if len(groups) == 1:
        return torch.stack(found)
    first = found[0].device
    return torch.stack([norm.to(first, non_blocking=True) for norm in found])


def _rows(gradient: torch.Tensor) -> torch.Tensor:
    """Return the rows of a sparse gradient, those of one place added up; nothing here waits for a GPU."""
    values = private_torch.sparse_values(gradient)
    if gradient.is_coalesced() or gradient.sparse_dim() != 1 or not values.numel():
        return values
    places = private_torch.sparse_indices(gradient)[0]
    first = torch.searchsorted(places.sort().values, places)
    return torch.zeros_like(values).index_add_(0, first, values)


@probe(order=80)
class GradientNormProbe:
    """Measures before the first optimizer step of a sampled step, and before the user's clipping."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._jumps = Jumps(_JUMP, _STEADY_AFTER)
        # Norms by the ids of parameters whose gradients are gone, or were not there, when a backward ends.
        self._passing: dict[int, float] = {}

    @only_sampled
    def on_backward_ends(self, *_: object) -> None:
        """Measure early enough to be before any clipping, also of a closure; a later backward measures again."""
        step = self._context.step
        if step.sample_gradients or step.sample_layers:
            self._measure_all(step)

    @only_sampled
    def on_step_begins(self, optimizer: torch.optim.Optimizer, closure: object) -> None:
        """Measure what only this step sees: gradients cleared before the backward ends, or made without a backward."""
        step = self._context.step
        if tracing.in_backward() or not (step.micro or closure):
            self._measure_passing(optimizer, step)

    def _measure_passing(self, optimizer: torch.optim.Optimizer, step: Step) -> None:
        held = [p for group in optimizer.param_groups for p in group["params"]]
        seen = [(id(p), g) for p in held if (g := gradient_of(p)) is not None and g.numel() and not g.is_meta]
        if seen:
            passing, factor = self._passing, self._context.scale.unscaling()
            reading = self._context.values.read(norms([found for _, found in seen]))

            def arrived(values: list[float]) -> None:
                passing.update({key: value * factor() for (key, _), value in zip(seen, values, strict=True)})

            step.expect(reading, arrived)

    @only_sampled
    def on_step_ends(self, _: object) -> None:
        """Measure where no backward has ended: gradients that a closure made another way."""
        step = self._context.step
        if (step.sample_gradients or step.sample_layers) and "grads" not in step.samples:
            self._measure_all(step)

    @only_sampled
    def on_close(self, step: Step) -> None:
        """Add up the norms of the models that were trained, once they are here."""
        samples = step.samples.get("grads")
        passing, self._passing = self._passing, {}
        if passing:
            self._join_passing(step, passing)
        if samples:
            trained = self._context.objects.trained_by(step.stepped) & samples.keys() or samples.keys()
            numbers = {number: self._context.objects.models[number].numbers for number in trained}
            step.finally_(lambda: self._take_total(step, samples, numbers))

    def _take_total(self, step: Step, samples: dict[int, Record], numbers: dict[int, list[int]]) -> None:
        """Add the norms up; have the next step sampled in full when the total has jumped."""
        _add_total(step, samples, numbers)
        if "grad_norm" in step.fields and self._jumps.is_one(step.number, step.fields["grad_norm"]):
            self._context.look_closer()

    def _join_passing(self, step: Step, passing: dict[int, float]) -> None:
        """Put the norms measured on the way into their columns; without any column their total is all there is."""
        samples, models = step.samples.get("grads", {}), self._context.objects.models
        places = [(samples[m]["grad"], k, id(p)) for m in samples for k, p in enumerate(models[m].parameters)]

        def join() -> None:
            for column, index, key in places:
                column[index] = passing.get(key, column[index])
            if not places:
                step.fields["grad_norm"] = math.hypot(*passing.values())

        step.finally_(join)

    def _measure_all(self, step: Step) -> None:
        factor = self._context.scale.unscaling()
        step.samples["grads"] = {model.number: self._measure(model, step, factor) for model in step.models}

    def _measure(self, model: Model, step: Step, factor: Callable[[], float]) -> Record:
        gradients = [gradient_of(p) for p in model.parameters]
        present = [index for index, g in enumerate(gradients) if g is not None and g.numel() > 0 and not g.is_meta]
        column: list[float | None] = [None] * len(gradients)
        if present:
            found = norms([g for g in map(gradients.__getitem__, present) if g is not None])

            def arrived(values: list[float]) -> None:
                for index, value in zip(present, values, strict=True):
                    column[index] = value * factor()

            step.expect(self._context.values.read(found), arrived)
        return {"grad": column}


def _add_total(step: Step, samples: dict[int, Record], numbers: dict[int, list[int]]) -> None:
    """Set the norm over all parameters that have a gradient; a parameter of two models counts once."""
    norm_of = {
        parameter: norm
        for model, parameters in numbers.items()
        for parameter, norm in zip(parameters, samples[model]["grad"], strict=False)
        if norm is not None
    }
    if norm_of:
        step.fields["grad_norm"] = sum(norm * norm for norm in norm_of.values()) ** 0.5
