"""Samplers that take their order from the epoch."""

from __future__ import annotations

from typing import Any

import torch
from recordkit import record
from torch import nn
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

PASSES = 5


def _told(*, told: bool, shuffle: bool = True) -> list[dict[str, Any]]:
    def train() -> nn.Module:
        data = TensorDataset(torch.randn(12, 4))
        sampler = DistributedSampler(data, num_replicas=2, rank=0, shuffle=shuffle)
        loader = DataLoader(data, batch_size=2, sampler=sampler)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(PASSES):
            if told:
                sampler.set_epoch(epoch)
            for (x,) in loader:
                optimizer.zero_grad()
                model(x).pow(2).mean().backward()
                optimizer.step()
        return model

    return record(train).events("sampler-epochs")


def test_a_sampler_that_is_not_told_the_epoch_has_one_order() -> None:
    """After three passes and after five."""
    known = {"loader": 0, "sampler": "DistributedSampler", "different": 1}
    assert _told(told=False) == [{**known, "passes": 3}, {**known, "passes": 5}]


def test_a_sampler_that_is_told_the_epoch_has_as_many_as_passes() -> None:
    """One that does not shuffle has nothing to be told."""
    assert _told(told=True)[-1]["different"] == PASSES
    assert _told(told=False, shuffle=False) == []
