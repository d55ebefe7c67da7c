"""Whether the partners that a contrastive loss names are those that look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES, STEPS = 16, 4
PLACES = torch.arange(2 * EXAMPLES)
ORDERS = {"halves": (PLACES + EXAMPLES) % len(PLACES), "neighbors": PLACES ^ 1}


def partners(tmp_path: Path, views: str, labels: torch.Tensor) -> tuple[float, bool, bool]:
    """Return the share of the other partners, and which of the two kinds of partners are found above chance."""

    def train() -> object:
        torch.manual_seed(0)
        model = nn.Linear(12, 8)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(STEPS):
            first = torch.randn(EXAMPLES, 12)
            second = first + 0.01 * torch.randn(EXAMPLES, 12)
            pair = torch.cat([first, second]) if views == "halves" else torch.stack([first, second], 1).flatten(0, 1)
            z = F.normalize(model(pair), dim=1)
            scores = (z @ z.T).masked_fill(torch.eye(len(z), dtype=torch.bool), -1e9)
            optimizer.zero_grad()
            F.cross_entropy(scores, labels).backward()
            optimizer.step()
        return model

    events = [event("partners", detail) for detail in record(train).events("partners")]
    found = signals_of(tmp_path, steps=STEPS, events=events)
    sure = [found[name] > 8 for name in ("named_partners_excess", "other_partners_excess")]
    return found["other_partners_share"], sure[0], sure[1]


@pytest.mark.parametrize(("views", "labels"), [("halves", "neighbors"), ("neighbors", "halves")])
def test_labels_of_another_order(tmp_path: Path, views: str, labels: str) -> None:
    """Each example is nearest to its other view, which is not the one that the labels name."""
    assert partners(tmp_path, views, ORDERS[labels]) == (pytest.approx(1, abs=0.02), False, True)


@pytest.mark.parametrize("order", ["halves", "neighbors"])
def test_labels_of_the_order_of_the_views(tmp_path: Path, order: str) -> None:
    """Each example is nearest to the partner that the labels name."""
    assert partners(tmp_path, order, ORDERS[order]) == (pytest.approx(0, abs=0.02), True, False)


def test_other_labels(tmp_path: Path) -> None:
    """Classes that happen to be as many as the examples name no partners."""
    assert partners(tmp_path, "halves", PLACES.flip(0)) == (0.0, False, False)


def test_counts_that_no_batch_can_have_tell_nothing(tmp_path: Path) -> None:
    """As a log that was written by hand may hold them."""
    told = {"examples": 32, "right": 3, "other": 30, "expected": 1.0, "order": "halves"}
    for odd in ({"examples": 0}, {"expected": 0.0}, {"expected": -1.0}):
        found = signals_of(tmp_path, steps=STEPS, events=[event("partners", told | odd)])
        assert (found["other_partners_share"], found["other_partners_excess"]) == (0.0, 0.0)
