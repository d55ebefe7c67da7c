"""Which of torch's losses in a sum of terms is told beside it: the one that makes up nearly all of it, or the first.

Values may arrive after later steps have begun: until it is known which part leads, every step reads all of them.
"""

import torch

from trainadvisor.record.device_readback import Values
from trainadvisor.record.losses.loss_calls import LossCall, LossEntry
from trainadvisor.record.step import Step

# Share of a sum that the other terms may make up beside a part that stands for it.
BESIDE = 0.1


def tell_part(whole: LossEntry, parts: list[LossCall], total: torch.Tensor, values: Values, step: Step) -> None:
    """Note in the fields of a step the value of the part that is told, and which loss function made it."""
    entries = [part.entry for part in parts]
    if whole.lead is None and entries.count(entries[0]) > 1:
        return  # mixup has two alike
    single = [part for part in parts if part.value.numel() == 1 and entries.count(part.entry) == 1]
    if whole.lead is None and len(single) > 1:
        _choose(whole, single, total, values, step)
        return
    for part in single:
        if whole.lead in (None, part.entry.number):
            whole.lead = step.fields["part_id"] = part.entry.number
            step.expect(values.read(part.value), lambda numbers: step.fields.update(part=numbers[0]))


def _choose(whole: LossEntry, parts: list[LossCall], total: torch.Tensor, values: Values, step: Step) -> None:
    """Read every part, and tell the one that the sum is nearest to."""
    seen: list[float] = []

    def arrived(numbers: list[float]) -> None:
        if whole.lead is None:
            beside = [abs(numbers[0] - value) for value in seen]
            nearest = beside.index(min(beside))
            lead = nearest if beside[nearest] <= BESIDE * abs(numbers[0]) else 0
            whole.lead = parts[lead].entry.number
        told = {part.entry.number: value for part, value in zip(parts, seen, strict=True)}
        if whole.lead in told:
            step.fields.update(part=told[whole.lead], part_id=whole.lead)

    for part in parts:
        step.expect(values.read(part.value), lambda numbers: seen.append(numbers[0]))
    step.expect(values.read(total.detach()), arrived)
