"""A softmax whose rows are masked throughout, beside other ways to NaN."""

from __future__ import annotations

import math

import pytest
import torch
from recordkit import record
from torch import nn

B, T, D = 4, 5, 8


class _Attention(nn.Module):
    """One head, whose mask is filled in or added."""

    def __init__(self, *, added: bool) -> None:
        super().__init__()
        self.added, self.same, self.out = added, nn.Linear(D, D), nn.Linear(D, 1)

    def forward(self, x: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        q = self.same(x)
        scores, mask = q @ q.transpose(1, 2), hidden[:, None, :]
        bias = torch.zeros(B, 1, T).masked_fill(mask, -math.inf)
        scores = scores + bias if self.added else scores.masked_fill(mask, -math.inf)
        return self.out(scores.softmax(-1) @ q).mean()


def _told(*, added: bool, empty: bool, infinite: bool = False) -> list[dict[str, object]]:
    def train() -> object:
        torch.manual_seed(0)
        model = _Attention(added=added)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        hidden = torch.zeros(B, T, dtype=torch.bool)
        hidden[:, 3:] = True
        for step in range(3):
            hidden[1] |= empty and step == 1
            x = torch.randn(B, T, D)
            optimizer.zero_grad()
            (model(x, hidden) * (math.nan if infinite else 1.0)).backward()
            optimizer.step()
        return model

    return [detail for detail in record(train).events("nonfinite") if "op" in detail]


@pytest.mark.parametrize("added", [True, False])
def test_rows_without_anything_left_are_counted(*, added: bool) -> None:
    """One empty example has as many such rows as queries."""
    assert _told(added=added, empty=True) == [{"op": "SoftmaxBackward0", "masked_rows": T, "step": 1}]


@pytest.mark.parametrize("added", [True, False])
def test_padding_is_no_fault(*, added: bool) -> None:
    """Masks that leave something tell nothing, nor does NaN from elsewhere tell of a mask."""
    assert _told(added=added, empty=False) == []
    assert all("masked_rows" not in detail for detail in _told(added=added, empty=False, infinite=True))
