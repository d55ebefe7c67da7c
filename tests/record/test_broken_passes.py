"""Passes over a loader that begin alike and end before the last batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

ROWS = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))


class _Drawn(Dataset[torch.Tensor]):
    """Draws its examples anew, whatever the index."""

    def __len__(self) -> int:
        return 24

    def __getitem__(self, _: int) -> torch.Tensor:
        return torch.randn(4)


def _told(epochs: int, most: int, data: Any = None, **settings: Any) -> list[dict[str, Any]]:
    def train() -> object:
        loader = DataLoader(data if data is not None else TensorDataset(ROWS), batch_size=4, **settings)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(epochs):
            for number, batch in enumerate(loader):
                if number == most:
                    break
                optimizer.zero_grad()
                model(batch[0] if isinstance(batch, list) else batch).pow(2).mean().backward()
                optimizer.step()
        return model

    return record(train).events("broken-passes")


def test_equal_passes_that_are_broken_off_are_told() -> None:
    """The longest pass took 2 of 6 batches; the batch at which the loop breaks counts."""
    assert _told(4, 1)[-1] == {"loader": 0, "passes": 4, "most": 2, "batches": 6}


def test_an_order_that_is_drawn_from_the_same_seed_counts_too() -> None:
    """The generator begins anew with each pass."""

    class Anew(torch.utils.data.RandomSampler):
        def __iter__(self) -> Any:
            assert self.generator is not None
            self.generator.manual_seed(0)
            return super().__iter__()

    sampler = Anew(ROWS, generator=torch.Generator())
    assert _told(3, 1, sampler=sampler)[-1]["passes"] == 3


def test_a_later_pass_to_the_end_takes_it_back() -> None:
    """What was told after three passes is told again with all batches."""
    loader = DataLoader(TensorDataset(ROWS), batch_size=4)

    def train() -> object:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(6):
            for number, (batch,) in enumerate(loader):
                if number > epoch:
                    break
                optimizer.zero_grad()
                model(batch).pow(2).mean().backward()
                optimizer.step()
        return model

    assert [(e["passes"], e["most"]) for e in record(train).events("broken-passes")] == [(3, 4), (5, 6)]


@pytest.mark.parametrize(
    ("most", "data", "settings"),
    [(9, None, {}), (1, None, {"shuffle": True}), (1, _Drawn(), {}), (1, TensorDataset(torch.ones(24, 4)), {})],
    ids=["whole passes", "shuffled", "drawn anew", "rows that are all one"],
)
def test_passes_that_see_all_or_something_else_are_not_told(most: int, data: Any, settings: dict[str, Any]) -> None:
    """No event."""
    assert _told(4, most, data, **settings) == []
