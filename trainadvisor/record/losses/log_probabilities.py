"""Where the graph of a loss has log-probabilities of choices: log_softmax rows, or a distribution's."""

from collections import deque
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
    seen, queue = {node}, deque([(node, False)])
    while queue and len(seen) < _MOST_NODES:
        node, below_log = queue.popleft()
        name = bare(node)
        if name in {"LogSoftmax", "Logsumexp", *_FUSED} or (name == "Softmax" and below_log):
            return node
        if not by_element(node) and name not in _PICKING:
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                queue.append((following, below_log or name == "Log"))
    return None


def mean_entropy(source: Any) -> torch.Tensor | None:
    """Return the entropy of the choices, in nats, averaged over at most some hundred rows."""
    name = bare(source)
    values = kept(source, "self" if name == "Logsumexp" else "result")
    if values is None or not values.is_floating_point() or values.ndim == 0:
        return None
    if name != "Logsumexp":
        values = values.movedim(saved_number(source, "dim"), -1)
    rows = values.reshape(-1, values.shape[-1])
    rows = rows[:: max(1, rows.shape[0] // _MOST_ROWS)].float()
    logs = rows.log_softmax(-1) if name != "Softmax" else rows.clamp_min(torch.finfo(rows.dtype).tiny).log()
    return -(logs.exp() * logs).sum(-1).mean()


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
