"""Tensors inside tuples, lists and dictionaries."""

from typing import Any

from trainadvisor.changes.applying.late_torch import torch


def mapped(given: Any, function: Any) -> Any:
    """Return arguments or results with every tensor mapped, however nested."""
    if isinstance(given, torch.Tensor):
        return function(given)
    if isinstance(given, dict):
        return {key: mapped(item, function) for key, item in given.items()}
    if type(given) in (tuple, list):
        return type(given)(mapped(item, function) for item in given)
    return given


def listed(given: Any) -> list[Any]:
    """Return the tensors in arguments or results."""
    if isinstance(given, torch.Tensor):
        return [given]
    inner = given.values() if isinstance(given, dict) else given if isinstance(given, tuple | list) else ()
    return [tensor for item in inner for tensor in listed(item)]
