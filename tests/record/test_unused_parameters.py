"""What an optimizer holds of modules that were never called."""

from __future__ import annotations

import torch
from recordkit import record
from torch import nn


def _told(*, called: bool) -> list[dict[str, object]]:
    def train() -> object:
        net, other, scale = nn.Linear(3, 2), nn.Linear(2, 2), nn.Parameter(torch.ones(1))
        optimizer = torch.optim.Adam([*net.parameters(), *other.parameters(), scale], lr=0.01)
        for _ in range(25):
            out = net(torch.randn(4, 3)) * scale
            out = other(out) if called else out
            optimizer.zero_grad()
            out.pow(2).mean().backward()
            optimizer.step()
        return net, other, optimizer

    return [e["detail"] for e in record(train).of("event") if e["kind"] == "unused-parameters"]


def test_a_module_that_is_never_called_is_told() -> None:
    """Two of five tensors, six of their fifteen numbers; a parameter that is used beside the models is not counted."""
    assert _told(called=False)[-1] == {"tensors": 2, "held": 5, "share": 0.4}


def test_one_that_is_called_is_not() -> None:
    """Nothing is left over."""
    assert all(detail["tensors"] == 0 for detail in _told(called=True))
