"""Counts the rows of a softmax in which everything was masked: minus infinity throughout, so that all of it is NaN."""

from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import kept
from trainadvisor.record.losses.softmax_axes import whole
from trainadvisor.record.losses.whole_graph import WholeGraph

_MASKING = frozenset({"Add", "Where", "Sub", "Baddbmm", "View", "UnsafeView", "Expand", "IndexPut", "Copy"})


def masked_rows(root: Any) -> int:
    """Return the masked rows of the deepest softmax whose result is not finite, 0 where a mask is not the cause."""
    for node in reversed(WholeGraph(root).nodes):
        if bare(node) not in {"Softmax", "SafeSoftmax"}:
            continue
        result = kept(node, "result")
        dim = None if result is None else whole(private_torch.saved(node, "dim"), result.ndim)
        if result is not None and dim is not None and bool(result.isnan().any()):
            return _masked(node, result, dim)
    return 0


def _masked(node: Any, result: torch.Tensor, dim: int) -> int:
    broken, before = result.isnan().all(dim), node.next_functions[0][0]
    if before is None:
        return 0
    mask = kept(before, "mask") if bare(before) == "MaskedFill" else None
    if mask is not None:
        return int((broken & mask.expand(result.shape).all(dim)).sum())
    # a mask that is added is not kept: it is one where whole rows are broken and others sound
    return int(broken.sum()) if bare(before) in _MASKING and not bool(broken.all()) else 0
