"""Rows that come again and again although a loader counts many are told; those that are drawn once are not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import torch
from recordkit import record
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, RandomSampler, WeightedRandomSampler

from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

N, SHARD = 240, 12
Row = tuple[torch.Tensor, torch.Tensor]


class _Shards(Dataset[Row]):
    """Rows in shards, of which only so many are different."""

    def __init__(self, rows: torch.Tensor, different: int) -> None:
        self.rows, self.different = rows, different

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        row = self.rows[index % self.different]
        return row, row.sum()[None]


def _share(
    folder: Path, *, different: int = N, width: int = 9, sampler: str = "shuffled", listed: bool = False
) -> float | None:
    """Return the share of different rows that is told of two epochs."""

    def train() -> object:
        torch.manual_seed(0)
        rows, held_out = torch.randn(N, width), torch.randn(40, width)
        data = (
            ConcatDataset([_Shards(rows[:different], different)] * (N // different))
            if listed
            else _Shards(rows, different)
        )
        order = {
            "shuffled": RandomSampler(data), "drawn": RandomSampler(data, replacement=True),
            "weighted": WeightedRandomSampler([1.0] * N, N),
        }[sampler]  # fmt: skip
        model = nn.Linear(width, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        loader = DataLoader(data, 20, sampler=order)
        for _ in range(2):
            for x, y in loader:
                optimizer.zero_grad()
                (model(x) - y).pow(2).mean().backward()
                optimizer.step()
            with torch.no_grad():
                model(held_out)
        return model

    log = folder / "log.json"
    log.write_text(json.dumps(record(train)), encoding="utf-8")
    return Signals(read_log(log)).get("distinct_share")


def test_the_share_is_that_of_different_rows(tmp_path: Path) -> None:
    """A shard of twelve rows in place of 240 leaves a twentieth; without a fault all are different."""
    assert _share(tmp_path, different=SHARD) == pytest.approx(SHARD / N)
    assert _share(tmp_path) == 1.0


def test_rows_drawn_with_replacement_are_mostly_different(tmp_path: Path) -> None:
    """Of two draws from as many rows 86 % are expected to come."""
    assert _share(tmp_path, sampler="drawn") > 0.8


@pytest.mark.parametrize("case", [{"width": 3}, {"sampler": "weighted"}, {"listed": True}])
def test_rows_that_may_be_equal_by_chance_or_meant_to_be_are_left_alone(
    tmp_path: Path, case: dict[str, object]
) -> None:
    """A few numbers may coincide, weights draw some rows more often, and a part may be listed many times."""
    assert _share(tmp_path, different=SHARD, **case) is None  # type: ignore[arg-type]
