"""What is found in what a model is given and gives."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from trainadvisor.changes.applying.model_anatomy import first_tensor

ONE, OTHER = torch.tensor(1.0), torch.tensor(2.0)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (ONE, ONE), ((ONE, OTHER), ONE), ((None, 3, OTHER), OTHER),
        ({"a": "x", "b": [(), {"c": OTHER}], "d": ONE}, OTHER),
        ((), None), (None, None), ("text", None), ([{}, [None]], None),
    ],
)  # fmt: skip
def test_the_first_tensor_of_what_is_given(given: Any, found: torch.Tensor | None) -> None:
    """At any depth of tuples, lists and dictionaries."""
    assert first_tensor(given) is found
