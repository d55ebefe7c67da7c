"""Examples that are kept once they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trialkit import by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

DECODING = """
import random
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
torch.manual_seed(3)
class Decoding(Dataset):
    def __init__(self):
        self.asked = []
    def __len__(self):
        return 12
    def __getitem__(self, place):
        self.asked.append(place)
        return EXAMPLE
data = Decoding()
loader = DataLoader(SET, batch_size=4, shuffle=True)
model = nn.Linear(6, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = (model(inputs["x"].float()).squeeze(1) - targets).square().mean()
        loss.backward()
        optimizer.step()
kind = isinstance(data, Decoding)
"""
FIXED = DECODING.replace("EXAMPLE", "{'x': np.full(6, place / 12)}, float(place % 2)")


@pytest.mark.parametrize("source", ["data", "Subset(data, range(10))"])
def test_each_example_is_made_once(tmp_path: Path, source: str) -> None:
    """Weights are as they were; beyond the probe of three, each example was asked for once in three epochs."""
    script = FIXED.replace("SET", source)
    outcome = trial(script, tmp_path, change("cache-data"))
    hand = by_hand(script)
    assert same(outcome, hand)
    rows = 12 if source == "data" else 10
    assert len(hand.names["data"].asked) == 3 * rows
    assert sorted(outcome.names["data"].asked[6:]) == list(range(rows))
    assert outcome.names["kind"] is True


@pytest.mark.parametrize(
    ("example", "source", "reason"),
    [
        ("{'x': torch.rand(6)}, 0.0", "data", "an example differs from one time to the next"),
        ("{'x': torch.ones(6) * random.random()}, 0.0", "data", "an example differs from one time to the next"),
        ("{'x': torch.ones(6)}, 0.0", "[({'x': torch.ones(6)}, 0.0)] * 8", "the data are in memory already"),
    ],
)
def test_what_cannot_be_kept_is_said(tmp_path: Path, example: str, source: str, reason: str) -> None:
    """Augmentation draws an example again each time; a list is memory."""
    outcome = trial(DECODING.replace("EXAMPLE", example).replace("SET", source), tmp_path, change("cache-data"))
    assert outcome.changes[0]["refused"].startswith(reason)
