"""Workers of iterable data sets that divide their stream, or do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, get_worker_info

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))


class _Stream(IterableDataset[torch.Tensor]):
    def __init__(self, rows: torch.Tensor, *, divided: bool) -> None:
        self._rows, self._divided = rows, divided

    def __iter__(self) -> Iterator[torch.Tensor]:
        info = get_worker_info()
        divides = self._divided and info is not None
        yield from self._rows[info.id :: info.num_workers] if divides and info is not None else self._rows


def _told(data: Any, workers: int = 2) -> list[dict[str, Any]]:
    def train() -> object:
        loader, model = DataLoader(data, batch_size=4, num_workers=workers), nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for batch in loader:
            optimizer.zero_grad()
            model(batch[0] if isinstance(batch, list) else batch).pow(2).mean().backward()
            optimizer.step()
        return model

    return record(train).events("worker-copies")


def test_workers_that_each_give_everything_are_told() -> None:
    """Two batches of the second worker equal those of the first."""
    assert _told(_Stream(ROWS, divided=False)) == [{"loader": 0, "workers": 2, "compared": 2, "same": 2}]


def test_workers_that_divide_the_stream_have_nothing_in_common() -> None:
    """Two batches each, all different."""
    assert _told(_Stream(ROWS, divided=True)) == [{"loader": 0, "workers": 2, "compared": 2, "same": 0}]


@pytest.mark.parametrize(
    ("data", "workers"),
    [(_Stream(ROWS, divided=False), 0), (_Stream(torch.ones(16, 4), divided=False), 2), (TensorDataset(ROWS), 2)],
    ids=["no workers", "rows that are all one", "a data set with indices"],
)  # fmt: skip
def test_what_cannot_be_copies_is_not_told(data: Any, workers: int) -> None:
    """Nothing is compared."""
    assert _told(data, workers) == []
