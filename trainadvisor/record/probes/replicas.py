"""Probe: checksums of the weights, by which the copies of several processes are compared when their logs are read.

No process asks another one: that would be a collective, and a rank that takes part alone waits for ever.
"""

import torch
from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.record.context import Context, probe
from trainadvisor.record.objects.describe import local, sampled
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.sampling import COMMON
from trainadvisor.record.step import Call, Step

_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
# A float32, in which a GPU's numbers are brought to the host, holds every whole number up to this.
_MODULUS = 2**24 - 3


def checksum(tensor: torch.Tensor) -> torch.Tensor:
    """Return a number that changes with any bit of the sampled elements."""
    values = sampled(tensor).contiguous()
    return values.view(_BITS[values.element_size()]).sum(dtype=torch.int64).remainder(_MODULUS)


@probe(order=170, several_processes=True)
class ReplicaProbe:
    """Writes events "weights": one checksum a parameter, null where processes hold different parts by design."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._started: set[int] = set()
        # Models in DistributedDataParallel, with the parameters (ids) that it leaves alone.
        self._wrapped: dict[int, set[int]] = {}

    def on_forward_begins(self, call: Call) -> None:
        """Note that a model is called through DistributedDataParallel, which keeps the copies equal."""
        if isinstance(call.called, nn.parallel.DistributedDataParallel) and call.model.number not in self._wrapped:
            ignored = call.called.parameters_to_ignore
            named = module_tables.named_parameters(call.called.module)
            self._wrapped[call.model.number] = {id(p) for name, p in named if name in ignored}

    def on_step_begins(self, *_: object) -> None:
        """Take the weights that a model starts with."""
        for model in self._context.step.models:
            if model.number not in self._started:
                self._started.add(model.number)
                self._tell(model, self._context.step_number, start=True)

    def on_close(self, step: Step) -> None:
        """Take the weights after steps that every process samples."""
        if step.number + 1 in COMMON and step.stepped:
            for model in step.models:
                self._tell(model, step.number + 1, start=False)

    def _tell(self, model: Model, after: int, *, start: bool) -> None:
        left = self._wrapped.get(model.number, set())
        compared = [_whole(p) and id(p) not in left for p in model.parameters]
        if not any(compared):
            return
        chosen = [p for p, taken in zip(model.parameters, compared, strict=True) if taken]
        detail: dict[str, object] = {"model": model.number, "after": after, "replicated": model.number in self._wrapped}
        if start:
            facts = model.fact.get("parameters", [])
            detail["varied"] = [bool(fact.get("init_std")) for fact in facts]
        with torch.no_grad():
            reading = self._context.values.read(torch.stack([checksum(p) for p in chosen]))

        def arrived(values: list[float]) -> None:
            found = iter(values)
            detail["sums"] = [int(next(found)) if taken else None for taken in compared]

        self._context.event("weights", "", detail, [(reading, arrived)])


def _whole(parameter: torch.Tensor) -> bool:
    """Return whether this process holds the whole parameter."""
    return parameter.numel() > 0 and not parameter.is_meta and local(parameter).numel() == parameter.numel()
