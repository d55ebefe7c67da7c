"""One call of a loss function, and how it is found again at the backward."""

import functools
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from trainadvisor.instrument.private_torch import version
from trainadvisor.record.losses.loss_arguments import BINARY, CLASSIFYING, Expect, LossArguments, batched
from trainadvisor.record.losses.loss_graph import bare, metadata_of, scaled_from
from trainadvisor.record.losses.loss_region import scaling
from trainadvisor.record.objects.known_tensor import KnownTensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainadvisor.log.records import Record
    from trainadvisor.record.device_readback import Reading

# Of an addition only one side is trained on: Python's `sum` begins at 0.
_SCALINGS = ("Div", "Mul", "ToCopy", "Mean", "Sum", "View", "Squeeze", "Where", "Add")
# Operations that make a multiple of a number, and the most of them in a row.
_MULTIPLES, _FACTORS = frozenset({"DivBackward0", "MulBackward0"}), 4
# Most dimensions of binary answers of which there is one an example.
_ONE_ANSWER = 2
# Key in a graph node's metadata: which loss call made it.
MARK = "trainadvisor"


@dataclass(slots=True)
class LossCall:
    """One call of a loss function; it holds neither the graph nor more of the result than its value.

    The exception is the last call of a loss that has been differentiated itself before: it is `held` until the backward
    or the next call, because a detached value and a mark in the graph cost more than all the rest.
    """

    entry: "LossEntry"
    prediction: torch.Tensor
    target: object
    training: bool
    result: KnownTensor | None
    value: torch.Tensor
    serial: int
    # The number of examples that a summed loss of the training adds up.
    terms: torch.Tensor | None = None
    held: bool = False
    # The labels of a sum that is held, which are counted where it is not divided.
    labels: torch.Tensor | None = None

    def gave(self, tensor: torch.Tensor) -> bool:
        """Return whether a tensor is what the function returned, which `loss /= 4` leaves the same object."""
        given = tensor is self.value if self.result is None else self.result.is_(tensor)
        return given and not rescaled(tensor)

    def let_go(self) -> None:
        """Mark the graph, and hold no more than the value."""
        if self.held:
            result, self.held = self.value, False
            if result.grad_fn is not None:
                metadata_of(_made(result))[MARK] = self.serial
            self.result, self.value = KnownTensor(result), result.detach()
            if self.labels is not None:
                self.terms, self.labels = counting(self.labels, self.entry), None


@dataclass
class LossEntry:
    """One loss function at one place of the user's code."""

    number: int
    kind: str
    fact: dict[str, Any]
    arguments: LossArguments
    graph: dict[str, Any] | None = None
    phases: set[str] = field(default_factory=set)
    announced: int = 0
    # Whether its result itself, and nothing made of it, was differentiated the last time.
    straight: bool = False
    # Whether that was this mean, or this sum over labels, divided or multiplied.
    scaled: bool = False
    # The number of the part that is told of a sum of terms, once it is known.
    lead: int | None = None


def rescaled(tensor: torch.Tensor) -> bool:
    """Return whether the number that a loss function returned was divided or multiplied in place since."""
    return bool(version(tensor)) and tensor.grad_fn is not None and tensor.grad_fn.name() in _MULTIPLES


def _made(result: torch.Tensor) -> Any:
    """Return the node of the loss function itself, behind what has rescaled its result in place."""
    node: Any = result.grad_fn
    for _ in range(_FACTORS if rescaled(result) else 0):
        if node.name() not in _MULTIPLES:
            break
        node = next(other for other, _ in node.next_functions if other is not None)
    return node


def before_rescaling(tensor: torch.Tensor) -> torch.Tensor:
    """Return the number that a loss function gave, of the multiple of it that is differentiated."""
    value, node = tensor.detach(), tensor.grad_fn
    for _ in range(_FACTORS):
        found = None if MARK in metadata_of(node) else scaling(node)
        if found is None:
            break
        value = value * found[1] if bare(node) == "Div" else value / found[1]
        node = found[0]
    return value


@functools.cache
def parameters_of(kind: str) -> tuple[str, ...]:
    """Return the names of a loss function's parameters."""
    return tuple(inspect.signature(getattr(F, kind)).parameters)


def named(kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return a loss function's arguments by name, with torch's older words for a reduction as `reduction`."""
    given = {**dict(zip(parameters_of(kind), args, strict=False)), **kwargs}
    old = given.get("size_average"), given.get("reduce")
    if old != (None, None):
        # torch.nn._reduction.legacy_get_string: both are true where they are not given
        averaged, reduced = (value is None or bool(value) for value in old)
        given["reduction"] = "none" if not reduced else "mean" if averaged else "sum"
    return given


def matching(pending: list[LossCall], tensor: torch.Tensor) -> tuple[LossCall | None, bool]:
    """Return the call whose result is the tensor or becomes it by scaling alone, and whether it was scaled."""
    for call in pending:
        call.let_go()
    for call in reversed(pending):
        if call.gave(tensor):
            return call, False
    scaled = False
    for node in scaled_from(tensor.grad_fn, _SCALINGS):
        serial = metadata_of(node).get(MARK)
        made = next((call for call in pending if call.serial == serial), None)
        if made is not None:
            return made, scaled
        scaled = scaled or bare(node).startswith(("Div", "Mul"))
    return None, False


def hits(call: LossCall) -> torch.Tensor | None:
    """Return how many predictions are right and how many count: of class indices and of one binary answer an example.

    Binary answers to every pixel or to many questions are left alone: nobody means their share by accuracy.
    """
    prediction, target = call.prediction, call.target
    if not isinstance(target, torch.Tensor):
        return None
    prediction, target = batched(call.entry.kind, prediction, target.detach())
    if target is None:
        return None
    if call.entry.kind in CLASSIFYING:
        return class_hits(prediction, target, call.entry.fact["ignore_index"])
    if call.entry.kind in BINARY and prediction.shape == target.shape and prediction.ndim <= _ONE_ANSWER:
        border = 0.5 if call.entry.kind == "binary_cross_entropy" else 0.0
        one = prediction.numel() == prediction.shape[0] if prediction.ndim else False
        return counted((prediction > border) == (target > 0.5)) if one else None
    return None


def read_accuracy(call: LossCall, read: "Callable[[torch.Tensor], Reading]", expect: Expect, fields: "Record") -> None:
    """Add the share of right predictions to the fields of a step, where it can be told."""
    right = hits(call)
    if right is not None:

        def arrived(values: list[float]) -> None:
            if values[1]:
                fields["accuracy"] = values[0] / values[1]

        expect(read(right), arrived)


def find_divisor(
    call: LossCall, divided: torch.Tensor, read: "Callable[[torch.Tensor], Reading]", expect: Expect
) -> None:
    """Note what a summed loss was divided by, once."""
    fact = call.entry.fact
    fact["divisor"] = None

    def arrived(numbers: list[float]) -> None:
        fact["divisor"] = float(f"{numbers[0] / numbers[1]:.6g}") if numbers[1] else None

    expect(read(torch.stack([call.value.detach().float(), divided.detach().float()])), arrived)


def class_hits(prediction: torch.Tensor, target: torch.Tensor, ignored: int) -> torch.Tensor | None:
    """Return how many of the largest scores (along dimension 1) belong to the right class, and how many count."""
    if target.is_floating_point() or prediction.ndim != target.ndim + 1 or prediction.ndim < 2:
        return None
    valid = target != ignored
    return torch.stack([((prediction.argmax(1) == target) & valid).sum(), valid.sum()]).float()


def counted(right: torch.Tensor) -> torch.Tensor:
    """Return how many answers are right, and their number."""
    every = torch.full((), float(right.numel()), dtype=torch.float32, device=right.device)
    return torch.stack([right.float().sum(), every])


def terms(call: LossCall) -> torch.Tensor:
    """Return the number of examples that a summed loss adds up: the labels that count, else the rows."""
    prediction, target = call.prediction, call.target
    if call.entry.kind in CLASSIFYING and isinstance(target, torch.Tensor) and not target.is_floating_point():
        return counting(target, call.entry)
    rows = float(prediction.shape[0] if prediction.ndim else 1)
    return torch.full((), rows, dtype=torch.float32, device=prediction.device)


def counting(labels: torch.Tensor, entry: LossEntry) -> torch.Tensor:
    """Return how many labels count."""
    valid: torch.Tensor = labels.detach() != entry.fact["ignore_index"]
    return valid.sum().float()


def has_value(tensor: torch.Tensor) -> bool:
    """Return whether a root is one number of this process, which all processes together need not add up."""
    distributed = hasattr(type(tensor), "to_local")
    return tensor.numel() == 1 and tensor.grad_fn is not None and not tensor.is_meta and not distributed


def is_plain_mean(call: LossCall, tensor: torch.Tensor) -> bool:
    """Return whether the number that a loss function returned is differentiated as it is."""
    plain = type(tensor) is torch.Tensor and not tensor.ndim and tensor.grad_fn is not None
    return plain and call.gave(tensor) and call.training and call.entry.fact["reduction"] == "mean"


def is_scaled_number(call: LossCall, tensor: torch.Tensor) -> bool:
    """Return whether a plain multiple of the number that a loss function returned is differentiated."""
    plain = type(tensor) is torch.Tensor and not tensor.ndim and not call.value.ndim
    entry = call.entry
    known = entry.fact["reduction"] == "mean" or (entry.fact["reduction"] == "sum" and entry.kind in CLASSIFYING)
    return plain and call.training and known


def is_scaled(tensor: Any, value: Any) -> bool:
    """Return whether a plain number is made of another one by dividing and multiplying alone."""
    if type(tensor) is not torch.Tensor or tensor.ndim:
        return False
    node, made = tensor.grad_fn, value.grad_fn
    for _ in range(_FACTORS):
        if node is None or node.name() not in _MULTIPLES:
            return False
        before = [other for other, _ in node.next_functions if other is not None]
        if len(before) != 1:
            return False
        node = before[0]
        if node is made:
            return True
    return False
