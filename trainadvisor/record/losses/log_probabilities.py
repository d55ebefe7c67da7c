"""Where the graph of a loss has log-probabilities of choices: log_softmax rows, or a distribution's."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import torch

from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import by_element, kept
from trainadvisor.record.losses.node_values import saved_number

# What lies between a log-probability and the rows that it was taken from.
_PICKING = frozenset({"Gather", "Index", "IndexSelect", "Select", "Slice", "Split", "SplitWithSizes", "Unbind",
                      "NllLoss", "NllLoss2D", "Sum", "Mean"})  # fmt: skip
# Nodes of libraries that take log-probabilities straight from what the last layer gets: TRL's.
_FUSED = frozenset({"ChunkedLogProbFunction"})
_MOST_NODES = 40
_MOST_ROWS = 256


def source_of(node: Any) -> Any:
    """Return the nearest node that made log-probabilities: LogSoftmax, LogSumExp, a fused one, Softmax below a Log."""
    return next((found for found, below_log in _down_from(node) if _makes(bare(found), below_log=below_log)), None)


def _makes(name: str, *, below_log: bool) -> bool:
    return name in {"LogSoftmax", "Logsumexp", *_FUSED} or (name == "Softmax" and below_log)


def _down_from(node: Any) -> Iterator[tuple[Any, bool]]:
    """Yield a node and those that its values were picked from, the nearest first, and whether a Log lies between."""
    seen, queue = {node}, deque([(node, False)])
    while queue and len(seen) < _MOST_NODES:
        node, below_log = queue.popleft()
        yield node, below_log
        name = bare(node)
        if not by_element(node) and name not in _PICKING:
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append((following, below_log or name == "Log"))


def mean_entropy(source: Any) -> torch.Tensor | None:
    """Return the entropy of the choices, in nats, averaged over at most some hundred rows."""
    logs = _rows(source)
    return None if logs is None else -(logs.exp() * logs).sum(-1).mean()


def likeliest(term: Any, source: Any) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Return the share of the choices made that are the likeliest ones, and what it is where choices are drawn.

    Over the same rows; None where the choices are not to be seen.
    """
    picked = next((node for node, _ in _down_from(term) if bare(node) == "Gather"), None)
    index, values = (None if picked is None else kept(picked, "index")), _kept_rows(source)
    if index is None or values is None or index.shape != (*values.shape[:-1], 1):
        return None
    logs = _rows(source)
    if logs is None:
        return None
    top = logs.max(-1)
    return (top.indices == _some(index)[:, 0]).float().mean(), top.values.exp().mean()


def _kept_rows(source: Any) -> torch.Tensor | None:
    """Return what a source has kept of its choices, which are its last dimension."""
    name = bare(source)
    values = kept(source, "self" if name == "Logsumexp" else "result")
    if values is None or not values.is_floating_point() or values.ndim == 0:
        return None
    return values if name == "Logsumexp" else values.movedim(saved_number(source, "dim"), -1)


def _rows(source: Any) -> torch.Tensor | None:
    """Return the log-probabilities of at most some hundred rows of choices."""
    values = _kept_rows(source)
    if values is None:
        return None
    rows = _some(values).float()
    return rows.log_softmax(-1) if bare(source) != "Softmax" else rows.clamp_min(torch.finfo(rows.dtype).tiny).log()


def _some(values: torch.Tensor) -> torch.Tensor:
    rows = values.reshape(-1, values.shape[-1])
    return rows[:: max(1, rows.shape[0] // _MOST_ROWS)]


def is_density(node: Any) -> bool:
    """Return whether a value ends in the log-density of numbers: a square over a variance, and a log of the scale."""
    seen, queue, squared, scale = {node}, deque([node]), False, False
    while queue and len(seen) < _MOST_NODES:
        node = queue.popleft()
        squared |= bare(node) == "Pow"
        scale |= bare(node) == "Log"
        for following, _ in node.next_functions if by_element(node) or bare(node) in _PICKING else ():
            if following is not None and following not in seen:
                seen.add(following)
                queue.append(following)
    return squared and scale
