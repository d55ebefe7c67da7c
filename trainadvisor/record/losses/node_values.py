"""The value that a node of the graph has computed, from what it and the nodes before it have saved; None where gone."""

from typing import Any

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_region import kept, shape_of

_WITH_RESULT = frozenset({"Exp", "Softmax", "LogSoftmax", "Sigmoid", "Tanh", "Relu"})
_RESHAPING = frozenset({"View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias"})
_WRAPPED = 2**63


def value_of(node: Any) -> torch.Tensor | None:
    """Return what a node has computed: a head's outputs, reshaped or one column of them, or a saved result."""
    name = bare(node)
    if name in _WITH_RESULT:
        return kept(node, "result")
    if name == "Addmm":
        return _product(node)
    if name != "Select" and name not in _RESHAPING:
        return None
    before = node.next_functions[0][0]
    value = None if before is None else value_of(before)
    if value is None:
        return None
    if name == "Select":
        return value.select(saved_number(node, "dim"), saved_number(node, "index"))
    shape = shape_of(node)
    return None if shape is None else value.reshape(shape)


def saved_number(node: Any, name: str) -> int:
    """Return a whole number that a node has saved; negative ones are saved without sign."""
    number = int(private_torch.saved(node, name))
    return number - 2 * _WRAPPED if number >= _WRAPPED else number


def _product(node: Any) -> torch.Tensor | None:
    """Return the outputs of a linear layer whose weight and bias are parameters."""
    bias, inputs, weight = node.next_functions[0][0], kept(node, "mat1"), _transposed_weight(node)
    if bias is None or inputs is None or weight is None or not hasattr(bias, "variable"):
        return None
    return torch.addmm(bias.variable.detach(), inputs, weight)


def _transposed_weight(node: Any) -> torch.Tensor | None:
    found = kept(node, "mat2")
    before = node.next_functions[2][0]
    if found is None and before is not None and bare(before) in {"T", "Transpose"}:
        leaf = before.next_functions[0][0]
        return leaf.variable.detach().t() if hasattr(leaf, "variable") else None
    return found
