"""Whether rows of ids are averaged with their padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path

ITEMS, WIDTH, PLACES, STEPS = 30, 8, 10, 3
Pool = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"


class Bag(nn.Module):
    """A classifier of the items of a row."""

    def __init__(self, pool: Pool, padding: int | None) -> None:
        super().__init__()
        self.pool, self.table, self.head = pool, nn.Embedding(ITEMS, WIDTH, padding_idx=padding), nn.Linear(WIDTH, 2)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.head(self.pool(self.table(ids), ids))


def rows(*, real: bool = False) -> torch.Tensor:
    """Return rows of 2 to 9 items, filled up with 0."""
    ids = torch.randint(0 if real else 1, ITEMS, (16, PLACES))
    lengths = 2 + torch.arange(16) % 8
    return ids if real else torch.where(torch.arange(PLACES) < lengths[:, None], ids, 0)


def share(tmp_path: Path, pool: Pool, padding: int | None = None, *, real: bool = False) -> Any:
    """Return the share of padding in what was averaged."""

    def train() -> object:
        torch.manual_seed(0)
        model = Bag(pool, padding)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            F.cross_entropy(model(rows(real=real)), torch.randint(0, 2, (16,))).backward()
            optimizer.step()
        return model

    events = [event("pooled-padding", detail) for detail in record(train).events("pooled-padding")]
    return signals_of(tmp_path, steps=STEPS, events=events)["pooled_padding_share"]


def mean(vectors: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Average all places."""
    return vectors.mean(1)


def masked(vectors: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Average the real places."""
    real = (ids != 0)[..., None]
    return (vectors * real).sum(1) / real.sum(1)


def last(vectors: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    """Take one place."""
    return vectors[:, 0]


@pytest.mark.parametrize("pool", [mean, lambda vectors, _: vectors.sum(1) / PLACES])
def test_padding_that_is_averaged(tmp_path: Path, pool: Pool) -> None:
    """Rows with 2 to 9 of 10 places lack 4.5 in the mean."""
    assert share(tmp_path, pool) == pytest.approx(0.45)


@pytest.mark.parametrize("pool", [masked, last])
def test_padding_that_is_left_out(tmp_path: Path, pool: Pool) -> None:
    """By a mask, or since one place is taken."""
    assert share(tmp_path, pool) == 0.0


def test_a_table_that_knows_its_padding(tmp_path: Path) -> None:
    """Its row is zero and stays so."""
    assert share(tmp_path, mean, 0) == 0.0


def test_full_rows_have_no_padding(tmp_path: Path) -> None:
    """Their last ids stand elsewhere too."""
    assert share(tmp_path, mean, real=True) == 0.0
