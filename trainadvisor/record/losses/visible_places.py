"""Which places of each row of a batch the masks in a graph let through: of attention, of products, of fillings."""

import math
from collections.abc import Iterator
from typing import Any

import torch

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.sequence_graph import kept, shape_of
from trainadvisor.record.losses.softmax_axes import whole

_SOFTMAXES = frozenset({"Softmax", "SafeSoftmax"})
# Masked scores are set to this or less.
_MASKED = -1e4
# A softmax whose scores are all masked alike is even up to this part of it.
_EVEN = 1e-5
ATTENTION, VALUES = "attention", "values"

# What a mask is put on, its node, and the places that it lets through.
Visible = tuple[str, Any, torch.Tensor]


def visible_places(nodes: list[Any], rows: int, columns: int) -> Iterator[Visible]:
    """Yield each mask with which of rows times columns it lets through, those that hide none left out."""
    for node in nodes:
        name = bare(node)
        if name in _SOFTMAXES or name.startswith("ScaledDotProduct"):
            kind, found = ATTENTION, _attended(node, name, rows, columns)
        elif name in ("Mul", "MaskedFill"):
            kind, found = VALUES, _let_through(node, name, rows, columns)
        else:
            continue
        if found is not None and not bool(found.all()):
            yield kind, node, found


def _attended(node: Any, name: str, rows: int, columns: int) -> torch.Tensor | None:
    """Return the places that any query attends to; a query whose scores are all masked attends to none."""
    if name in _SOFTMAXES:
        weights = kept(node, "result")
        dim = None if not isinstance(weights, torch.Tensor) else whole(kept(node, "dim"), weights.ndim)
        if dim is None or weights.shape[dim] != columns or not _has_rows(weights, rows, columns):
            return None
        weights = weights.detach().movedim(dim, -1).reshape(rows, -1, columns)
        return _read(weights)
    masks = (kept(node, name) for name in ("attn_mask", "attn_bias"))
    mask = next((given for given in masks if isinstance(given, torch.Tensor)), None)
    if mask is None or mask.ndim < 2 or mask.shape[-1] != columns or not _has_rows(mask, rows, columns):
        return None
    allowed = mask.detach() if mask.dtype == torch.bool else mask.detach() > _MASKED
    return allowed.reshape(rows, -1, columns).any(1)


def _read(weights: torch.Tensor) -> torch.Tensor:
    """Return the places that any query attends to, without queries that have everything masked alike.

    Those are even over all places, or under a causal mask over those that it leaves them.
    """
    columns = weights.shape[-1]
    attends = weights > 0
    least = weights.masked_fill(~attends, math.inf).amin(-1)
    reach = attends.sum(-1)
    alike = weights.amax(-1) - least <= _EVEN / columns
    nothing = alike & (reach == columns)
    if attends.shape[1] % columns == 0:
        query = torch.arange(attends.shape[1], device=weights.device) % columns
        first = attends.cumprod(-1).sum(-1)
        nothing |= alike & (reach == query + 1) & (first == reach)
    read: torch.Tensor = (attends & ~nothing[..., None]).any(1)
    return read


def _has_rows(values: torch.Tensor, rows: int, columns: int) -> bool:
    """Return whether what is left beside the places begins with the rows of the batch."""
    return values.numel() > 0 and not values.numel() % (rows * columns) and not values.shape[0] % rows


def _let_through(node: Any, name: str, rows: int, columns: int) -> torch.Tensor | None:
    """Return the places that values of a sequence are multiplied with one at, or not filled at."""
    shape = shape_of(node)
    if shape[:2] != [rows, columns] or len(shape) > 3:
        return None
    sides = ("mask",) if name == "MaskedFill" else ("self", "other")
    masks = [mask for side in sides if isinstance(mask := kept(node, side), torch.Tensor)]
    if len(masks) != 1 or masks[0].shape[:2] != (rows, columns) or not _is_full(node, shape):
        return None
    mask = masks[0].detach().reshape(rows, columns, -1)
    if mask.dtype == torch.bool:
        return ~mask.any(2) if name == "MaskedFill" else mask.any(2)
    return (mask != 0).any(2) if bool(((mask == 0) | (mask == 1)).all()) else None


def _is_full(node: Any, shape: list[int]) -> bool:
    """Return whether what is masked has a value of its own at each place: it is no constant that is put there."""
    return any(shape_of(before) == shape for before, _ in node.next_functions if before is not None)
