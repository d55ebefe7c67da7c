"""Finds a softmax over a dimension that does not hold the alternatives: batch, heads, pixels, a single value."""

import math
from collections.abc import Iterator
from typing import Any

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import shape_of
from trainadvisor.record.losses.whole_graph import WholeGraph, outputs_of_layer

_KINDS = frozenset({"Softmax", "LogSoftmax"})
_SAME_AXES = frozenset({
    "Mul", "Add", "Div", "NativeDropout", "FusedDropout", "ToCopy", "Clone", "Alias", "Log", "Clamp", "MaskedFill",
    "Exp", "Neg", "Sub", "Where",
})  # fmt: skip
_RESHAPING = frozenset({"View", "UnsafeView", "ReshapeAlias", "Expand"})
_MOVING = _SAME_AXES | _RESHAPING | {"Permute", "Transpose", "Unsqueeze", "Squeeze"}
_REDUCING = frozenset({"Mean", "Sum"})
_FARTHEST = 12
_MATRIX = 2
# Dimensions of a batch of images: examples, channels, rows, columns.
_IMAGE = 4
_SIGN = 1 << 63


def wrong_softmaxes(graph: WholeGraph) -> Iterator[dict[str, Any]]:
    """Yield each softmax over a dimension that cannot be meant, with its shape and what the dimension is."""
    for node in graph.of(_KINDS):
        shape = shape_of(node)
        dim = whole(private_torch.saved(node, "dim"), len(shape or []))
        if shape and dim is not None:
            over = _mistaken(graph, node, shape, dim)
            if over:
                yield {"shape": shape, "dim": dim, "over": over, "op": bare(node)}


def whole(dim: Any, dimensions: int) -> int | None:
    """Return a dimension as a place from the front; torch keeps negative ones as large numbers."""
    if not isinstance(dim, int):
        return None
    dim = dim - 2 * _SIGN if dim >= _SIGN else dim
    return dim % dimensions if dimensions else None


def _mistaken(graph: WholeGraph, node: Any, shape: list[int], dim: int) -> str | None:
    before = node.next_functions[0][0]
    outputs = outputs_of_layer(before) if before is not None else None
    if shape[dim] == 1:
        return "single" if (outputs == 1 and max(shape) > 1) or _is_summed_elsewhere(graph, node) else None
    if _mixes_matrices(graph, node, shape, dim):
        return "matrices"
    if before is not None and bare(before) == "Convolution" and len(shape) >= _IMAGE and dim > 1:
        return "space"
    if _is_flattened_by_row(graph, node, shape, dim):
        return "steps"
    of_classes = outputs is not None and outputs > 1 and len(shape) == _MATRIX and shape[1] == outputs
    if of_classes and dim == 0 and _is_at_the_loss(graph, node):
        return "batch"
    return None


def _is_summed_elsewhere(graph: WholeGraph, node: Any) -> bool:
    """Return whether a product sums the results of a softmax over several places, which all are 1."""
    elements = math.prod(shape_of(node) or [])
    for _ in range(_FARTHEST):
        user = graph.user(node)
        if user is None:
            return False
        if bare(user) == "Bmm":
            sizes, inputs = shape_of(node) or [], _inputs(user)
            return len(sizes) == _MATRIX + 1 and node in inputs and sizes[-1 if inputs[0] is node else 1] > 1
        if bare(user) not in _MOVING or math.prod(shape_of(user) or []) != elements:
            return False
        node = user
    return False


def _is_flattened_by_row(graph: WholeGraph, node: Any, shape: list[int], dim: int) -> bool:
    """Return whether rows of the last dimension go into the loss, and the softmax went over the dimension before."""
    user = graph.user(node)
    if len(shape) <= _MATRIX or dim != len(shape) - 2 or user is None or bare(user) not in _RESHAPING:
        return False
    rows, loss = shape_of(user) or [], graph.user(user)
    return rows[1:] == shape[-1:] and loss is not None and bare(loss) == "NllLoss"


def _mixes_matrices(graph: WholeGraph, node: Any, shape: list[int], dim: int) -> bool:
    """Return whether the result is multiplied matrix by matrix, and the softmax went over the matrices."""
    sizes = shape
    for _ in range(_FARTHEST):
        user = graph.user(node)
        if user is None:
            return False
        name, now = bare(user), shape_of(user) or []
        if name == "Bmm":
            return dim == 0 and len(sizes) == _MATRIX + 1 and node in _inputs(user)
        moved = _moved(user, name, sizes, now, dim)
        if moved is None:
            return False
        dim, sizes, node = moved, now, user
    return False


def _moved(user: Any, name: str, sizes: list[int], now: list[int], dim: int) -> int | None:
    """Return where a dimension is after an operation, None where one cannot tell."""
    if name == "Permute":
        order = [whole(place, len(now)) for place in private_torch.saved(user, "dims") or ()]
        return order.index(dim) if dim in order else None
    if name in _SAME_AXES or now == sizes:
        return dim if now == sizes else None
    if name == "Unsqueeze":
        added = whole(private_torch.saved(user, "dim"), len(now))
        return None if added is None else dim + (added <= dim)
    if name in _RESHAPING and dim == 0 and now[:1] == sizes[:1]:
        return 0
    if name in _RESHAPING and len(now) == _MATRIX + 1 and len(sizes) > _MATRIX + 1 and now[1:] == sizes[-2:]:
        return 0 if dim < len(sizes) - _MATRIX else None
    return None


def _inputs(node: Any) -> list[Any]:
    return [following for following, _ in node.next_functions]


def _is_at_the_loss(graph: WholeGraph, node: Any) -> bool:
    """Return whether a result gets to the loss element by element, picked by class or averaged over everything."""
    for _ in range(_FARTHEST):
        users = graph.users.get(node, [])
        if not users:
            return shape_of(node) == []
        user = users[0]
        name = bare(user)
        if name in {"NllLoss", "KlDiv", "MseLoss", "BinaryCrossEntropy"}:
            return True
        picked = name in {"Gather", "Index", "Select", "Squeeze", "Neg", "View"} or name in _SAME_AXES
        if not picked and not (name in _REDUCING and shape_of(user) == []):
            return False
        node = user
    return False
