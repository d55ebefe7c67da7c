"""Probe: models that answer during the training and belong to no optimizer, such as target networks."""

from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import Reading
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.objects.describe import tensors_in
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.objects.weight_samples import alike, weights_of
from trainadvisor.record.step import Call, Step

# Models that are known at most, and steps whose inputs are compared.
_MOST, _LOOKED = 16, 12
# Examples and numbers of an input that are compared with those of another one.
_ROWS, _WIDE = 64, 512
# It is told after so many steps, and whenever there are a fifth more.
_FIRST_TOLD, _MORE = 100, 1.2


@dataclass
class _Known:
    """A model since its first call."""

    start: list[torch.Tensor]
    first: int
    # Models whose weights were the same when this one was first called.
    then: list[int]
    last: int = -1
    # Steps in which it was called, those whose inputs were compared, and those with inputs that it did not get.
    steps: int = 0
    looked: int = 0
    others: int = 0
    inputs: list[torch.Tensor] = field(default_factory=list)
    changed: bool = False


@probe(order=111)
class IdleTwinProbe:
    """Writes events "twin" of the models that no optimizer holds and that are called in the steps."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: dict[int, _Known] = {}
        self._next = _FIRST_TOLD

    def rests_until(self, routine: Routine) -> float:
        """Rest between the steps at which it is told, once the inputs are compared."""
        return self._next - 1 if routine.step >= _LOOKED * 2 else routine.step

    def on_forward_ends(self, call: Call) -> None:
        """Note a call, and in early steps its input."""
        known, step = self._known.get(call.model.number), self._context.step_number
        if known is None:
            if len(self._known) >= _MOST:
                return
            start = weights_of(call.model)
            known = self._known[call.model.number] = _Known(start, step, self._equal_now(start))
        if known.last != step:
            known.last, known.steps = step, known.steps + 1
        # Only in steps that are compared when they close, which lets the inputs go.
        if known.looked < _LOOKED and step < _LOOKED * 2 and len(known.inputs) < _MOST:
            known.inputs += list(tensors_in((call.args, call.kwargs)))[:1]

    @unless_resting
    def on_close(self, step: Step) -> None:
        """Compare the inputs of the step: whether a trained model got others than each idle one."""
        if step.stepped and step.number < _LOOKED * 2:
            trained = {model.number for model in step.models} & self._context.objects.trained_by(step.stepped)
            self._look(trained)
        if step.number + 1 >= self._next:
            self._next = int(_MORE * self._next)
            self._tell()

    def on_stop(self, _: str) -> None:
        """Tell how it ended."""
        self._tell()

    def _equal_now(self, weights: list[torch.Tensor]) -> list[int]:
        """Return the known models that have these weights now: what a model was copied from before its first call."""
        models = ((number, self._context.objects.models.get(number)) for number in self._known)
        return [number for number, model in models if model is not None and alike(weights_of(model), weights)]

    def _look(self, trained: set[int]) -> None:
        learned = [tensor for number in trained & self._known.keys() for tensor in self._known[number].inputs]
        for number, known in self._known.items():
            if number not in trained and known.inputs and learned:
                known.looked += 1
                known.others += any(not _among(tensor, known.inputs) for tensor in learned)
        for known in self._known.values():
            known.inputs = []

    def _tell(self) -> None:
        objects = self._context.objects
        trained = objects.trained_by([fact["id"] for fact in objects.optimizers.values()])
        for number, known in self._known.items():
            model = objects.models.get(number)
            late = known.first > _LOOKED * 2 and known.steps >= _LOOKED  # beside a second training of the process
            if number not in trained and model is not None and (known.looked or late):
                self._tell_of(model, known)

    def _tell_of(self, model: Model, known: _Known) -> None:
        same = [n for n, other in self._known.items() if n != model.number and alike(other.start, known.start)]
        known.changed = known.changed or not alike(weights_of(model), known.start)
        detail: dict[str, Any] = {"twin": model.number, "site": model.site, "first": known.first, "last": known.last}
        detail |= {
            "called": known.steps,
            "looked": known.looked,
            "others": known.others,
            "alike": same,
            "then": known.then,
        }
        self._context.event("twin", model.name, detail | {"changed": known.changed}, [(Reading([]), lambda _: None)])


def _among(tensor: torch.Tensor, inputs: list[torch.Tensor]) -> bool:
    """Return whether an input is one of the others, or each of its examples is in a batch of another size."""
    return any(tensor is other or _contained(tensor, other) for other in inputs)


def _contained(part: torch.Tensor, whole: torch.Tensor) -> bool:
    if part.shape[1:] != whole.shape[1:] or part.dtype != whole.dtype or part.device != whole.device or not part.ndim:
        return False
    if part.shape == whole.shape:
        return torch.equal(part, whole)
    few = part.detach().flatten(1)[:_ROWS, :_WIDE] if part.ndim > 1 else part.detach()[:_ROWS, None]
    many = whole.detach().flatten(1)[: _ROWS * 8, :_WIDE] if whole.ndim > 1 else whole.detach()[: _ROWS * 8, None]
    return bool((few[:, None] == many[None]).all(-1).any(-1).all())
