"""Tensors found in what a model is given and gives."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from trainadvisor.record.objects.describe import tensors_in

A, B = torch.zeros(1), torch.ones(1)


@dataclass
class Output:
    """What transformers return."""

    loss: Any
    more: Any = None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (A, [A]),
        ([1, A, (B, "x")], [A, B]),
        ({"a": A, "b": {"c": B}}, [A, B]),
        (Output(A, [B]), [A, B]),
        ([[[A]]], [A]),
        ([[[[A]]]], []),
        ({"a": {"b": {"c": {"d": A}}}}, []),
        (Output(Output([A])), []),
        ("text", []),
    ],
)
def test_tensors_are_found_in_order_three_levels_deep(value: object, found: list[torch.Tensor]) -> None:
    """An output that looks like a dataclass takes two levels."""
    assert [id(tensor) for tensor in tensors_in(value)] == [id(tensor) for tensor in found]
