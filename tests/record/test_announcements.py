"""When what is known of a loss is told: as the first batch is seen, in a new phase, after more batches, at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder, record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def told_at(steps: int, evaluate_at: int | None = None) -> list[tuple[int, str]]:
    """Train on one loss; return the steps at which it was told, before the end, and with which phase."""
    records = Records()
    recorder = make_recorder(records)
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def objective() -> torch.Tensor:
        return F.cross_entropy(model(torch.randn(6, 4)), torch.arange(6) % 3)

    recorder.start()
    try:
        for step in range(steps):
            if step == evaluate_at:
                with torch.no_grad():
                    objective()
            optimizer.zero_grad()
            objective().backward()
            optimizer.step()
        recorder.drain(wait=True)
        told = [(r["step"], r["detail"]["phase"]) for r in records.of("event") if r["kind"] == "loss"]
    finally:
        recorder.stop("finished")
    return told


def test_a_loss_is_told_at_the_first_fourth_sixteenth_and_sixty_fourth_batch() -> None:
    """And not in between."""
    assert told_at(70) == [(0, "train"), (3, "train"), (15, "train"), (63, "train")]
