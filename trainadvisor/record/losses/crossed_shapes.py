"""Finds [N] that met [N, 1] on the way into a loss: every example then goes with every other one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import Operand, kept, operands, region, scaling, shape_of, unshaped

_CALLED = frozenset({"MseLoss", "L1Loss", "SmoothL1Loss", "HuberLoss"})
_MEETING = frozenset({"Add", "Sub", "Mul", "Div", "Minimum", "Maximum", *_CALLED})
_SCALING = frozenset({"Neg", "Mul", "Div"})
_SUMMED = frozenset({"Add", "Sub", "Neg", "Mean", "Sum"})
_FARTHEST = 3
_EXPLICIT = frozenset({"Unsqueeze", "T", "Transpose", "Permute", "Expand"})
# Of how many rows and columns the rank is looked at, and from how many on it says something.
_LOOKED_AT, _LEAST = 16, 4
# What broadcasting makes of a few vectors has a rank of at most so many; a matrix of pairs has a full one.
_RANK = 3
_NEGLIGIBLE, _ROUNDINGS = 1e-5, 8
# A matrix of ones and zeros, or of a few weights, is a mask.
_FEW_VALUES = 6


@dataclass
class Crossing:
    """An operation in whose result each of N examples meets N others."""

    op: str
    shapes: list[list[int]]
    # A matrix of which it has to be shown that it came out of two vectors.
    matrix: torch.Tensor | None = None


def crossings(root: Any) -> list[Crossing]:
    """Return the crossings on the way into a loss; none where pairs are compared on purpose elsewhere in it."""
    nodes = list(region(root, by_rows=True))
    if any(_on_purpose(node) for node in nodes):
        return []
    apart = _only_averaged(nodes)
    return [found for node in nodes if bare(node) in _MEETING and node not in apart for found in _crossing(node, nodes)]


def _only_averaged(nodes: list[Any]) -> set[Any]:
    """Return the sums that are only averaged on: there each part has the mean of its own, whatever it meets."""
    linear = {node for node in nodes if bare(node) in _SUMMED or scaling(node)}
    used = [(node, inner) for node in nodes for inner, _ in node.next_functions]
    while others := {inner for node, inner in used if node not in linear and inner in linear}:
        linear -= others
    return linear


def _crossing(node: Any, nodes: list[Any]) -> Iterator[Crossing]:
    sides = [_as_given(node, side) for side in operands(node)]
    result = _broadcast([side.shape for side in sides]) if bare(node) in _CALLED else shape_of(node)
    if len(sides) < 2 or not result or len(result) < 2 or result[0] != result[1] or result[0] < 2:
        return
    for one, other in (sides, sides[::-1]):
        if one.node is None or one.shape is None:
            continue
        if other.shape is None:
            if _squared(one.shape, result) and not _explicit(one):
                yield from _shown(node, [one.shape, result], _kept_result(node, nodes))
        elif _is_vector_of(one.shape, result) and other.shape == result:
            if other.constant is not None:
                yield from _shown(node, [one.shape, result], other.constant)
        elif _meet(one, other, result):
            yield Crossing(str(node.name()), [one.shape, other.shape])
            return


def _as_given(node: Any, side: Operand) -> Operand:
    """Return the side of a loss function as the script gave it: that broadcasts both by itself."""
    if bare(node) not in _CALLED or side.node is None or bare(side.node) != "Expand":
        return side
    before, output = side.node.next_functions[0]
    return Operand(before, None, shape_of(before, output))


def _broadcast(shapes: list[list[int] | None]) -> list[int] | None:
    if any(shape is None for shape in shapes):
        return None
    return list(torch.broadcast_shapes(*[tuple(shape or ()) for shape in shapes]))  # type: ignore[no-untyped-call]


def _shown(node: Any, shapes: list[list[int]], matrix: torch.Tensor | None) -> Iterator[Crossing]:
    if matrix is not None and matrix.is_floating_point() and matrix.ndim > 1 and matrix.shape[0] >= _LEAST:
        plane = matrix if matrix.ndim == 2 else matrix.flatten(2)[..., 0]
        yield Crossing(str(node.name()), shapes, plane)


def _meet(one: Operand, other: Operand, result: list[int]) -> bool:
    """Return whether two tensors of as many examples in different layouts grew to all of their pairs."""
    first, second = one.shape or [], other.shape or []
    if len(first) == len(second) or _bare(first) != _bare(second) or not _squared(first, result):
        return False
    return not (_explicit(one) or _explicit(other))


def _squared(shape: list[int], result: list[int]) -> bool:
    """Return whether the result has each element of a shape once more for each example."""
    inner = _bare(shape)
    return bool(inner) and _bare(result) == [inner[0], *inner]


def _is_vector_of(shape: list[int], result: list[int]) -> bool:
    return _squared(shape, result) and len(_bare(shape)) == 1


def _bare(shape: list[int]) -> list[int]:
    return [size for size in shape if size != 1]


def _explicit(side: Operand) -> bool:
    """Return whether the script has given this side its layout on purpose."""
    return side.node is not None and bare(side.node) in _EXPLICIT


def _on_purpose(node: Any) -> bool:
    """Return whether a node compares a tensor with itself: every example with every other."""
    if bare(node) not in _MEETING:
        return False
    inner = [following for following, _ in node.next_functions if following is not None]
    if len(inner) != 2 or inner[0] is inner[1]:
        return False
    same = unshaped(inner[0]) is unshaped(inner[1])
    return same and shape_of(inner[0]) != shape_of(inner[1])


def _kept_result(node: Any, nodes: list[Any]) -> torch.Tensor | None:
    """Return the result of an operation, or what scaling made of it, as one that uses it has saved it."""
    for _ in range(_FARTHEST):
        user, place = next(((u, p) for u in nodes for p, (n, _) in enumerate(u.next_functions) if n is node), (None, 0))
        if user is None:
            return None
        result = kept(user, "result") if bare(user) == "Exp" else None
        if result is not None:
            return result.log()
        found = kept(user, "other" if place == 1 else "self")
        if found is not None or bare(user) not in _SCALING:
            return found
        node = user
    return None


def of_vectors(matrix: torch.Tensor) -> torch.Tensor:
    """Return 1 where a matrix is one that broadcasting makes of a few vectors, else 0, as a tensor of its device."""
    part = matrix[:_LOOKED_AT, :_LOOKED_AT].double()
    most = _RANK if part.shape[0] > 2 * _RANK else 2
    negligible = max(_NEGLIGIBLE, _ROUNDINGS * torch.finfo(matrix.dtype).eps)
    sizes: torch.Tensor = torch.linalg.svdvals(torch.nan_to_num(part))
    different = (part.flatten().sort().values.diff() > 0).sum() + 1
    low: torch.Tensor = (sizes[most] <= negligible * sizes[0]) & (sizes[0] > 0)
    return torch.logical_and(low, different > min(_FEW_VALUES, part.shape[0] - 1)).float()
