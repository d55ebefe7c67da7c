"""Turning round what sequence layers take for time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trialkit import by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

SEQUENCES = """
import torch
from torch import nn
torch.manual_seed(1)
x, y = torch.randn(12, 5, 3), torch.randint(0, 2, (12,))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(3, 4), nn.Linear(4, 2)
    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(4):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("old", "new"), [("(3, 4)", "(3, 4, batch_first=True)"), ("(3, 4, batch_first=True)", "(3, 4)")]
)
def test_batch_first_is_set_as_by_hand(tmp_path: Path, old: str, new: str) -> None:
    """The training is that of a script with the other setting."""
    source = SEQUENCES.replace("LSTM(3, 4)", f"LSTM{old}")
    outcome = trial(source, tmp_path, change("batch-first"))
    assert outcome.changes[-1]["applied"]
    assert same(outcome, by_hand(source, (f"LSTM{old}", f"LSTM{new}")))


def test_a_model_without_sequences_is_refused(tmp_path: Path) -> None:
    """There is no such layer to set."""
    source = SEQUENCES.replace("nn.LSTM(3, 4)", "nn.Linear(3, 4)").replace("[0][:, -1]", "[:, -1]")
    assert trial(source, tmp_path, change("batch-first")).changes[-1]["refused"]
