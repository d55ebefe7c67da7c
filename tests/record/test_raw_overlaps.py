"""Dice and Jaccard losses of logits, beside those of shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.losses.raw_overlaps import raw_overlap

if TYPE_CHECKING:
    from collections.abc import Callable

    Overlap = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

N = 4


def _dice(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return 1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def _by_example(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    p, t = p.flatten(1), t.flatten(1)
    return (1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).mean()


def _jaccard(p: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    both = (p * t).sum()
    return F.l1_loss(p, t) + 1 - (both + 1) / (p.sum() + t.sum() - both + 1)


OVERLAPS = [_dice, _by_example, _jaccard]


def _parts() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return nn.Conv2d(1, 2, 3, padding=1)(torch.randn(N, 1, 6, 6))[:, 1:], (torch.rand(N, 1, 6, 6) < 0.3).float()


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_an_overlap_of_logits_is_found(overlap: Overlap) -> None:
    """Over the batch, by example, and beside another term."""
    outputs = nn.Conv2d(1, 1, 3, padding=1)(torch.randn(N, 1, 6, 6))
    assert raw_overlap(overlap(outputs, _parts()[1]).grad_fn)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_an_overlap_of_shares_is_sound(overlap: Overlap) -> None:
    """After a sigmoid or a softmax."""
    logits, target = _parts()
    assert not raw_overlap(overlap(logits.sigmoid(), target).grad_fn)
    assert not raw_overlap(overlap(logits.softmax(1), target).grad_fn)


@pytest.mark.parametrize(
    "loss",
    [lambda p, t: (p * t).sum() / t.sum(), lambda p, t: (p * t).sum() / p.norm(), lambda p, t: ((p - t) ** 2).mean()],
)
def test_other_quotients_are_sound(loss: Overlap) -> None:
    """Weighted means, cosines and squares."""
    outputs = nn.Conv2d(1, 1, 3, padding=1)(torch.randn(N, 1, 6, 6))
    assert not raw_overlap(loss(outputs, _parts()[1]).grad_fn)


def test_an_overlap_of_logits_is_told_once() -> None:
    """In the first steps of a training."""

    def train() -> object:
        torch.manual_seed(0)
        model = nn.Conv2d(1, 1, 3, padding=1)
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(4):
            optimizer.zero_grad()
            _dice(model(torch.randn(N, 1, 6, 6)), _parts()[1]).backward()
            optimizer.step()
        return model

    assert len(record(train).events("raw-overlap")) == 1
