"""Of which place of a sequence each row of a prediction is, read off the graph."""

from dataclasses import dataclass
from typing import Any

import torch

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.sequence_graph import before, kept, shape_of, signed

_FARTHEST = 40
_SAME_SHAPE = ("Clone", "ToCopy", "Alias", "LogSoftmax", "Softmax", "Div", "Mul", "Contiguous")
_RESHAPING = ("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze")


def head_of(prediction: torch.Tensor) -> list[Any]:
    """Return the nodes from a prediction down to the operation whose result was only viewed, cut and scaled since."""
    chain: list[Any] = []
    node: Any = prediction.grad_fn
    while node is not None and len(chain) < _FARTHEST:
        chain.append(node)
        following = before(node)
        viewing = bare(node) in (*_SAME_SHAPE, *_RESHAPING, "Slice", "Select", "Transpose", "Permute", "Index")
        if not viewing or len(following) != 1:
            break
        node = following[0]
    return chain


@dataclass
class _Located:
    """Indices of places, shaped like the prediction with one class, and the axis of the classes."""

    index: torch.Tensor
    axis: int
    classes: int


def places_of(chain: list[Any], rows: int, columns: int) -> torch.Tensor | None:
    """Return for each row of a prediction the number of its place among rows times columns, None if unknown."""
    for position, node in enumerate(chain):
        located = _start(shape_of(node), rows, columns)
        for later in reversed(chain[:position]):
            located = _replayed(later, located) if located else None
            if located and list(located.index.shape) != _with_one(shape_of(later), located.axis):
                located = None
        if located:
            return located.index.squeeze(located.axis)
    return None


def _with_one(shape: list[int], axis: int) -> list[int]:
    return [1 if at == axis else size for at, size in enumerate(shape)]


def _start(shape: list[int], rows: int, columns: int) -> _Located | None:
    index = torch.arange(rows * columns).view(rows, columns)
    if shape[:-1] == [rows, columns]:
        return _Located(index[..., None], 2, shape[-1])
    if shape[:-1] == [columns, rows]:
        return _Located(index.T[..., None], 2, shape[-1])
    if len(shape) == 3 and [shape[0], shape[2]] == [rows, columns]:
        return _Located(index[:, None], 1, shape[1])
    return _Located(index.reshape(-1, 1), 1, shape[1]) if len(shape) == 2 and shape[0] == rows * columns else None


def _replayed(node: Any, at: _Located) -> _Located | None:
    """Return where the places are after an operation of the head."""
    name, index, last = bare(node), at.index, at.index.ndim - 1
    if name in _SAME_SHAPE:
        return at
    if name in _RESHAPING:
        shape = shape_of(node)
        fits = at.axis == last and shape and shape[-1] == at.classes
        return _Located(index.reshape([*shape[:-1], 1]), len(shape) - 1, at.classes) if fits else None
    if name in ("Slice", "Select"):
        return _sliced(node, at) if name == "Slice" else _selected(node, at)
    if name in ("Transpose", "Permute"):
        order = _order(node, index.ndim)
        return _Located(index.permute(order), order.index(at.axis), at.classes)
    if name != "Index" or at.axis != last:
        return None
    chosen = index[tuple(slice(None) if part is None else part.cpu() for part in kept(node, "indices"))]
    return _Located(chosen, chosen.ndim - 1, at.classes)


def _selected(node: Any, at: _Located) -> _Located | None:
    dim = signed(kept(node, "dim")) % at.index.ndim
    chosen = at.index.select(dim, signed(kept(node, "index")))
    return None if dim == at.axis else _Located(chosen, at.axis - (dim < at.axis), at.classes)


def _sliced(node: Any, at: _Located) -> _Located | None:
    dim = signed(kept(node, "dim")) % at.index.ndim
    if dim == at.axis:
        return at if shape_of(node)[dim] == at.classes else None
    cut = [slice(None)] * at.index.ndim
    cut[dim] = slice(signed(kept(node, "start")), signed(kept(node, "end")), int(kept(node, "step")))
    return _Located(at.index[tuple(cut)], at.axis, at.classes)


def _order(node: Any, dims: int) -> list[int]:
    if bare(node) == "Permute":
        return [signed(dim) % dims for dim in kept(node, "dims")]
    order, one, two = list(range(dims)), signed(kept(node, "dim0")) % dims, signed(kept(node, "dim1")) % dims
    order[one], order[two] = order[two], order[one]
    return order
