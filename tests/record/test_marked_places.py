"""How much of a mask with one channel is marked, over an evaluation."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainadvisor.record.evaluations.evaluation_sums import LossSums

PROBABILITIES, LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"


def _counts(kind: str, prediction: torch.Tensor, target: torch.Tensor | None = None) -> list[float] | None:
    entry: Any = SimpleNamespace(
        kind=kind, number=0, fact={"reduction": "mean", "weighted": True, "label_smoothing": 0.0}
    )
    target = torch.zeros_like(prediction) if target is None else target
    call: Any = SimpleNamespace(prediction=prediction, target=target, entry=entry, value=torch.tensor(0.5))
    sums = LossSums(entry)
    sums.add(call)
    sums.add(call)
    return None if sums.answers.predicted is None else sums.answers.predicted.tolist()


@pytest.mark.parametrize(("kind", "level"), [(PROBABILITIES, 0.5), (LOGITS, 0.0)])
@pytest.mark.parametrize("shape", [(2, 1, 8, 10), (2, 8, 10)])
def test_places_above_the_level_are_marked(kind: str, level: float, shape: tuple[int, ...]) -> None:
    """Three of 160 in each of two batches, with or without an axis of channels."""
    prediction = torch.full(shape, level)
    prediction.view(-1)[:3] += 0.1
    assert _counts(kind, prediction) == [314.0, 6.0]


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 20), (2, 3, 8, 8), (2, 1, 4, 8), (2, 5, 8)])
def test_other_answers_are_not_counted(shape: tuple[int, ...]) -> None:
    """A rare event of which no example is sure is none that was not learned; several channels are several answers."""
    assert _counts(LOGITS, torch.zeros(shape)) is None
