"""When what is known of a loss is told: with the header, after more batches, and when it is used in a new phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder, record
from torch import nn

from trainadvisor.record import record_queue

if TYPE_CHECKING:
    import pytest


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


def test_the_first_sixteen_batches_of_a_loss_are_described_whenever_it_comes() -> None:
    """A loss that a script goes over to when only every tenth step is looked at."""

    def train() -> nn.Module:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for step in range(52):
            optimizer.zero_grad()
            loss = F.l1_loss if step < 40 else F.mse_loss
            loss(model(torch.randn(8, 4)), torch.randn(8, 1)).backward()
            optimizer.step()
        return model

    later = record(train, every=10).facts("loss")[1]
    assert (later["kind"], later["target"]["examples"]) == ("mse_loss", 12 * 8)


def test_the_header_waits_for_two_steps_or_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose steps take minutes may be killed in its second."""

    def kinds(steps: int) -> list[str]:
        records = Records()
        recorder = make_recorder(records)
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        recorder.start()
        try:
            for _ in range(steps):
                optimizer.zero_grad()
                model(torch.randn(6, 4)).sum().backward()
                optimizer.step()
            return [r["record"] for r in records if r["record"] in ("header", "step")]
        finally:
            recorder.stop("finished")

    monkeypatch.setattr(record_queue, "_LONG", 1e9)
    assert (kinds(2), kinds(3)) == ([], ["header", "step", "step"])
    monkeypatch.setattr(record_queue, "_LONG", 0.0)
    assert kinds(2) == ["header", "step"]
