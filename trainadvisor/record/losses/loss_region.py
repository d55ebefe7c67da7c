"""The operations between a model's answers and its loss: element by element, down to one number."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare

_MOST_NODES = 400
_ELEMENTWISE = frozenset({
    "Add", "Sub", "Rsub", "Mul", "Div", "Neg", "Pow", "Abs", "Exp", "Expm1", "Log", "Log1P", "Sqrt", "Square",
    "Minimum", "Maximum", "Clamp", "ClampMin", "ClampMax", "Where", "ToCopy", "Clone", "Alias", "Sigmoid", "Reciprocal",
    "LogSigmoid", "LogSigmoidForward", "Softplus", "Relu", "Tanh", "MaskedFill", "Stack", "Cat",
    "Cosh", "Sinh", "Sin", "Cos", "Erf", "LogAddExp", "Hardtanh", "Elu", "LeakyRelu", "Gelu", "Silu", "Expand",
    "MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BinaryCrossEntropy", "BinaryCrossEntropyWithLogits",
})  # fmt: skip
_SHAPING = frozenset({
    "View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "T", "Transpose", "Permute", "Expand", "Alias",
})  # fmt: skip
_REDUCING = frozenset({"Mean", "Sum"})
# Where a node keeps an operand that needs no gradient.
_KEPT = {
    **dict.fromkeys(("Mul", "Div"), ("self", "other")),
    **dict.fromkeys(("MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss"), ("self", "target")),
}


@dataclass
class Operand:
    """One side of an operation: its node, or the constant that the operation has kept, or neither."""

    node: Any = None
    constant: torch.Tensor | None = None
    shape: list[int] | None = None


def region(root: Any, *, by_rows: bool = False) -> Iterator[Any]:
    """Yield the nodes from a loss down to what is not computed element by element, breadth first.

    `by_rows` passes what reduces rows first, as the losses of Keras do, before one number is left.
    """
    seen, queue = {root}, deque([root])
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        yield node
        if not by_element(node) and not (by_rows and bare(node) in _REDUCING):
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)


def by_element(node: Any) -> bool:
    """Return whether an operation works element by element, or reduces to one number."""
    name = bare(node)
    if name in _REDUCING:
        return shape_of(node) in ([], None) or _elements(shape_of(node) or []) == 1
    return name in _ELEMENTWISE or name in _SHAPING


def shape_of(node: Any, output: int = 0) -> list[int] | None:
    """Return the shape of what a node has computed."""
    try:
        if hasattr(node, "variable"):
            return list(node.variable.shape)
        return [int(size) for size in node._input_metadata[output].shape]
    except (AttributeError, IndexError, RuntimeError, TypeError):
        return None


def operands(node: Any) -> list[Operand]:
    """Return the two sides of an operation, empty for one that has not two."""
    if len(node.next_functions) < 2:
        return []
    kept = _KEPT.get(bare(node), (None, None))
    return [_operand(node, place, name) for place, name in enumerate(kept)]


def _operand(node: Any, place: int, name: str | None) -> Operand:
    following, output = node.next_functions[place]
    if following is not None:
        return Operand(following, None, shape_of(following, output))
    constant = kept(node, name) if name else None
    return Operand(None, constant, None if constant is None else list(constant.shape))


def kept(node: Any, name: str) -> torch.Tensor | None:
    """Return a tensor that a node has saved for the backward, None where it has not or it is gone."""
    try:
        found = private_torch.saved(node, name)
    except RuntimeError:  # freed, or changed in place since
        return None
    return found.detach() if isinstance(found, torch.Tensor) else None


def scaling(node: Any) -> tuple[Any, torch.Tensor | float] | None:
    """Return the node of what a product or quotient scales, and the number; None of any other operation."""
    name, inner = bare(node), [following for following, _ in node.next_functions]
    if name not in {"Mul", "Div"} or (name == "Div" and inner[0] is None) or len([n for n in inner if n]) != 1:
        return None
    try:
        number = private_torch.saved(node, "other" if inner[0] is not None else "self")
    except RuntimeError:  # freed, or changed in place since
        return None
    if isinstance(number, torch.Tensor):
        number = number.detach() if number.numel() == 1 else None
    return None if number is None else (next(n for n in inner if n is not None), number)


def unshaped(node: Any) -> Any:
    """Return the node whose values one has, whatever their shape: views taken off."""
    while bare(node) in _SHAPING and len(node.next_functions) == 1 and node.next_functions[0][0] is not None:
        node = node.next_functions[0][0]
    return node


def _elements(shape: list[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
