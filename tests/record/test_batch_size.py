"""The batch of a step counts examples, however the batches are put together."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recordkit import Records, record
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset


class _Tagger(nn.Module):
    """Reads sequences, the steps first or the examples first, as its recurrent layer wants them."""

    def __init__(self, *, batch_first: bool, turns: bool = False) -> None:
        super().__init__()
        self.turns, self.rnn = turns, nn.GRU(4, 5, batch_first=batch_first)

    def forward(self, x: torch.Tensor) -> Any:
        return self.rnn(x.transpose(0, 1) if self.turns else x)[0]


def _steps(model: nn.Module, batches: Any) -> Records:
    def train() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for (x,) in batches:
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()

    return record(train)


@pytest.mark.parametrize("batch_first", [False, True])
def test_sequences_count_by_examples(batch_first: bool) -> None:  # noqa: FBT001 - a case of the table
    """Six examples of nine steps, whichever comes first."""
    shape = (6, 9, 4) if batch_first else (9, 6, 4)
    batches = [(torch.randn(shape),) for _ in range(3)]
    assert _steps(_Tagger(batch_first=batch_first), batches).column("batch") == [6] * 3


def test_a_model_that_turns_its_batches_is_known_by_the_loader() -> None:
    """Examples come first although the recurrent layer wants the steps first."""
    loader = DataLoader(TensorDataset(torch.randn(12, 9, 4)), batch_size=6)
    assert _steps(_Tagger(batch_first=False, turns=True), loader).column("batch") == [6] * 2


def test_a_sampler_of_batches_tells_their_size() -> None:
    """The loader's own batch size is None then."""
    data = TensorDataset(torch.randn(12, 4))
    loader = DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), 4, drop_last=False))
    records = _steps(nn.Linear(4, 2), loader)
    assert records.column("batch") == [4] * 3
    assert records.facts("loader")[0]["batch_size"] == 4


def test_several_rows_of_an_example_count_once() -> None:
    """Of pairs, as preferences have them, the loader tells how many there are; without one, rows are examples."""

    def paired(rows: list[tuple[torch.Tensor]]) -> tuple[torch.Tensor]:
        return (torch.stack([*(x for (x,) in rows), *(-x for (x,) in rows)]),)

    loader = DataLoader(TensorDataset(torch.randn(10, 4)), batch_size=4, collate_fn=paired)
    assert _steps(nn.Linear(4, 2), loader).column("batch") == [4, 4, 2]
    assert _steps(nn.Linear(4, 2), list(loader)).column("batch") == [8, 8, 4]


def test_examples_deep_in_what_a_model_is_given_are_found() -> None:
    """Two sides of a sentence pair, each a dict of tensors, before the labels of the pairs."""

    class Sides(nn.Linear):
        def forward(self, sides: list[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
            return (super().forward(sides[0]["x"] - sides[1]["x"])[:, 0] - labels).pow(2).mean()

    model = Sides(4, 2)

    def train() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model([{"x": torch.randn(6, 4)}, {"x": torch.randn(6, 4)}], torch.rand(6)).backward()
            optimizer.step()

    assert record(train).column("batch") == [6] * 3
