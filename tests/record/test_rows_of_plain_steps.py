"""Rows that are trained on in steps that are taken by a shortcut: none is missing among those that are known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.probes import seen_rows

STEPS, BATCH = 150, 6


@pytest.mark.parametrize(("most", "taken"), [(2000, STEPS * BATCH), (600, 600), (603, 606)])
def test_the_rows_of_plain_steps_are_taken_too(
    most: int, taken: int, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to so many in all; an evaluation finds exactly these."""
    monkeypatch.setattr(seen_rows, "_MOST_TRAINED", most)
    batches = [torch.randn(BATCH, 6) for _ in range(STEPS)]
    labels = torch.randint(0, 3, (BATCH,))

    def train() -> object:
        model = nn.Linear(6, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for x in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), labels).backward()
            optimizer.step()
        with torch.no_grad():
            for x in batches:
                F.cross_entropy(model.eval()(x), labels)
        return model, optimizer

    told = record(train, every=60).events("shared-rows")[-1]
    assert len(plain) > STEPS / 3
    assert (told["trained_taken"], told["trained_rows"]) == (taken, taken)
    assert (told["looked_at"], told["found"], told["whole_batches"]) == (STEPS * BATCH, taken, taken // BATCH)
