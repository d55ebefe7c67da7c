"""Validation labels that are numbered otherwise than those of the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from trialkit import by_hand, change, same, trial

if TYPE_CHECKING:
    from pathlib import Path

SHIFTED = """
import torch
from torch import nn
torch.manual_seed(0)
names = torch.arange(240) % 4
x = torch.nn.functional.one_hot(names, 4) * 3.0 + torch.randn(240, 4) * 0.3
held, told, seen = x[120:], LABELS, []
model = nn.Linear(4, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(3):
    for step in range(10):
        optimizer.zero_grad()
        loss_fn(model(x[:120]), names[:120]).backward()
        optimizer.step()
    with torch.no_grad():
        seen.append(float(loss_fn(model(held), told)))
"""
OFFSET = SHIFTED.replace("LABELS", "(names[120:] + 1) % 4")


def test_an_offset_is_taken_back(tmp_path: Path) -> None:
    """The second evaluation has the loss of the right labels; the training is as it was."""
    outcome = trial(OFFSET, tmp_path, change("align-classes"))
    right = by_hand(SHIFTED.replace("LABELS", "names[120:]")).names["seen"]
    wrong = by_hand(OFFSET)
    assert outcome.names["seen"] == pytest.approx([wrong.names["seen"][0], *right[1:]])
    assert same(outcome, wrong)
    assert outcome.changes[0]["what"] == "validation labels are renumbered: 0% -> 100% match the predictions"


@pytest.mark.parametrize("labels", ["names[120:]", "torch.randint(0, 4, (120,))"])
def test_labels_that_match_or_match_nothing_stay(tmp_path: Path, labels: str) -> None:
    """Right numbers are kept, and labels at random have no better ones."""
    script = SHIFTED.replace("LABELS", labels)
    outcome = trial(script, tmp_path, change("align-classes"))
    assert outcome.names["seen"] == by_hand(script).names["seen"]
    assert outcome.changes[0]["refused"] == "no evaluation predicts one class where the labels say another"
