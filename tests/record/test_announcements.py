"""When what is known of a loss is told: with the header, after more batches, and when it is used in a new phase."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn


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


def test_a_loss_is_told_again_after_four_sixteen_and_sixty_four_batches() -> None:
    """First with the header, and not in between."""
    assert told_at(3) == []
    assert told_at(70) == [(3, "train"), (15, "train"), (63, "train")]


def test_a_loss_is_told_when_an_evaluation_uses_it_too() -> None:
    """Once: further evaluations are nothing new."""
    assert told_at(10, evaluate_at=5) == [(3, "train"), (5, "both")]
