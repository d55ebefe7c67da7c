"""Ids that a decoder looks up one step at a time, put together: each is read after the answer of the step before."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.sequence_graph import kept

# Steps below which several lookups may be anything.
_LEAST = 3


def read_in_steps(graph: Iterable[Any]) -> list[torch.Tensor]:
    """Return the sequences, rows by steps, that were looked up step by step between the answers of the steps."""
    lookups: dict[int, list[Any]] = defaultdict(list)
    answers: list[list[Any]] = []
    copied = []
    for node in graph:
        name = bare(node)
        if name == "Embedding" and _is_step(kept(node, "indices")):
            lookups[id(getattr(node.next_functions[0][0], "variable", None))].append(node)
        elif name in ("Stack", "Cat") and len(node.next_functions) >= _LEAST:
            answers.append([before for before, _ in node.next_functions])
        elif name == "CopySlices":
            copied.append(node)
    found = [_in_order(nodes) for nodes in lookups.values() if len(nodes) >= _LEAST]
    told = [*answers, _in_order(copied)]
    joined = [_joined(nodes) for nodes in found if any(_alternate(nodes, answer) for answer in told)]
    return [ids for ids in joined if ids is not None]


def _is_step(ids: Any) -> bool:
    return isinstance(ids, torch.Tensor) and (ids.ndim == 1 or (ids.ndim == 2 and min(ids.shape) == 1))


def _in_order(nodes: list[Any]) -> list[Any]:
    return sorted(nodes, key=private_torch.made_as)


def _alternate(lookups: list[Any], answers: list[Any]) -> bool:
    """Return whether each answer was made after the lookup of its step and before that of the next."""
    if len(lookups) != len(answers) or None in answers:
        return False
    made = [private_torch.made_as(node) for pair in zip(lookups, answers, strict=True) for node in pair]
    return all(first < second for first, second in pairwise(made))


def _joined(nodes: list[Any]) -> torch.Tensor | None:
    ids = [kept(node, "indices").detach().flatten().cpu() for node in nodes]
    return torch.stack(ids, 1) if len({len(step) for step in ids}) == 1 else None
