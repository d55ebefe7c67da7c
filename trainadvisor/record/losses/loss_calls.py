"""One call of a loss function, and how it is found again at the backward."""

import functools
import inspect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from trainadvisor.record.losses.loss_arguments import BINARY, CLASSIFYING, LossArguments
from trainadvisor.record.losses.loss_graph import bare

if TYPE_CHECKING:
    import weakref

_SCALINGS = ("Div", "Mul", "ToCopy", "Mean", "Sum", "View", "Squeeze")
MARK = "trainadvisor"
"""Key in a graph node's metadata: which loss call made it."""


@dataclass
class LossCall:
    """One call of a loss function; it holds neither the graph nor more of the result than its value."""

    entry: "LossEntry"
    prediction: torch.Tensor
    target: object
    training: bool
    result: "weakref.ref[torch.Tensor]"
    value: torch.Tensor
    serial: int


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


@functools.cache
def parameters_of(kind: str) -> tuple[str, ...]:
    """Return the names of a loss function's parameters."""
    return tuple(inspect.signature(getattr(F, kind)).parameters)


def named(kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return a loss function's arguments by name."""
    return {**dict(zip(parameters_of(kind), args, strict=False)), **kwargs}


def metadata_of(node: Any) -> dict[str, Any]:
    """Return the words that torch lets one keep with a node of the graph."""
    found: dict[str, Any] = node.metadata
    return found


def matching(pending: list[LossCall], tensor: torch.Tensor) -> tuple[LossCall | None, bool]:
    """Return the call whose result is the tensor or becomes it by scaling alone, and whether it was scaled."""
    for call in reversed(pending):
        if call.result() is tensor:
            return call, False
    node, scaled = tensor.grad_fn, False
    for _ in range(4):
        if node is None:
            break
        serial = metadata_of(node).get(MARK)
        call_made = next((call for call in pending if call.serial == serial), None)
        inner = [following for following, _ in node.next_functions if following is not None]
        if call_made is not None or not bare(node).startswith(_SCALINGS) or len(inner) != 1:
            return call_made, scaled
        scaled = scaled or bare(node).startswith(("Div", "Mul"))
        node = inner[0]
    return None, False


def correct(call: LossCall) -> torch.Tensor | None:
    """Return for each example whether the prediction is right, for class indices and binary targets; else None."""
    prediction, target = call.prediction, call.target
    if not isinstance(target, torch.Tensor):
        return None
    target = target.detach()
    if (
        call.entry.kind in CLASSIFYING
        and not target.is_floating_point()
        and prediction.ndim == target.ndim + 1
        and prediction.ndim > 1
    ):
        return prediction.argmax(1) == target
    if call.entry.kind in BINARY and prediction.shape == target.shape:
        border = 0.5 if call.entry.kind == "binary_cross_entropy" else 0.0
        return (prediction > border) == (target > 0.5)
    return None
