"""How long loaders and data sets are, without asking a `__len__` of the script's more often than torch does."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import Records, record
from torch import nn
from torch.utils import data
from torch.utils.data import sampler as torchs_sampler

from trainadvisor.instrument.asked_lengths import known_length
from trainadvisor.record.objects.loader_lengths import batches_of, examples_of

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES, BATCH, EPOCHS = 14, 4, 4


class Counting(data.Dataset):
    """A data set that notes each call of its `__len__`."""

    def __init__(self) -> None:
        self.asked = 0

    def __len__(self) -> int:
        self.asked += 1
        return EXAMPLES

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.full((4,), float(index)), torch.tensor(index % 3)


class CountingSampler(data.Sampler[int]):
    """A sampler that notes the same."""

    asked = 0

    def __iter__(self) -> Iterator[int]:
        return iter(range(EXAMPLES))

    def __len__(self) -> int:
        self.asked += 1
        return EXAMPLES


class Stream(data.IterableDataset):
    """A stream that notes the same."""

    asked = 0

    def __iter__(self) -> Iterator[Any]:
        return iter([(torch.ones(4), torch.tensor(0))] * EXAMPLES)

    def __len__(self) -> int:
        self.asked += 1
        return EXAMPLES


def _train(loader: data.DataLoader[Any]) -> nn.Module:
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for _ in range(EPOCHS):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            for x, y in loader:
                nn.functional.cross_entropy(model(x), y)
    return model


def _with(kind: str) -> tuple[Any, data.DataLoader[Any]]:
    """Return what counts, and the loader that it is in."""
    counting: Any = {"sampler": CountingSampler, "stream": Stream}.get(kind, Counting)()
    if kind == "sampler":
        return counting, data.DataLoader(Counting(), BATCH, sampler=counting)
    if kind == "subset":
        return counting, data.DataLoader(data.Subset(counting, range(6)), BATCH, shuffle=True)
    return counting, data.DataLoader(counting, BATCH, shuffle=kind == "shuffled")


def _loader(records: Records) -> dict[str, Any]:
    return records.facts("loader")[0]


@pytest.mark.parametrize("kind", ["plain", "shuffled", "subset", "sampler", "stream"])
def test_a_length_is_asked_for_as_often_as_without_us(kind: str) -> None:
    """In training and evaluation, and by everything that a recording tells of loaders."""
    counting, loader = _with(kind)
    _train(loader)
    plainly = counting.asked

    def script() -> Any:
        found, again = _with(kind)
        _train(again)
        return found

    made: list[Any] = []
    record(lambda: made.append(script()))
    assert made[0].asked == plainly


@pytest.mark.parametrize("kind", ["plain", "shuffled"])
def test_the_length_of_the_script_s_own_data_set_is_known_once_torch_has_asked(kind: str) -> None:
    """It stands in the log with the number of batches."""
    fact = _loader(record(lambda: _train(_with(kind)[1])))
    assert (fact["examples"], fact["batches"]) == (EXAMPLES, 4)


@pytest.mark.parametrize("kind", ["sampler", "stream"])
def test_a_length_that_torch_never_asks_for_is_not_told(kind: str) -> None:
    """Of the script's own sampler or stream."""
    assert _loader(record(lambda: _train(_with(kind)[1])))["batches"] is None


def _tensors() -> data.TensorDataset:
    return data.TensorDataset(torch.zeros(EXAMPLES, 2))


@pytest.mark.parametrize(
    ("made", "examples", "batches"),
    [
        (lambda: data.DataLoader(_tensors(), 4), 14, 4),
        (lambda: data.DataLoader(_tensors(), 4, drop_last=True), 14, 3),
        (lambda: data.DataLoader(_tensors(), batch_size=None), 14, 14),
        (lambda: data.DataLoader([1, 2, 3], 2), 3, 2),
        (lambda: data.DataLoader(data.Subset(_tensors(), [1, 2, 5]), 2, shuffle=True), 3, 2),
        (lambda: data.DataLoader(data.ConcatDataset([_tensors(), _tensors()]), 7), 28, 4),
        (lambda: data.DataLoader(data.StackDataset(_tensors(), _tensors()), 7), 14, 2),
        (lambda: data.DataLoader(_tensors(), 2, sampler=data.SubsetRandomSampler([1, 2, 3])), 14, 2),
        (lambda: data.DataLoader(_tensors(), 2, sampler=data.WeightedRandomSampler([1.0] * 14, 5)), 14, 3),
        (lambda: data.DataLoader(_tensors(), 2, sampler=data.RandomSampler(_tensors(), num_samples=9)), 14, 5),
        (lambda: data.DataLoader(Counting(), 2), None, None),
    ],
)
def test_lengths_of_loaders(made: Any, examples: int | None, batches: int | None) -> None:
    """As torch itself tells them, None where only the script's `__len__` knows."""
    loader = made()
    assert (examples_of(loader), batches_of(loader)) == (examples, batches)
    if batches is not None:
        assert (len(loader.dataset), len(loader)) == (examples, batches)


def test_a_stream_is_not_held_to_a_length_by_us() -> None:
    """The loader would warn when more comes than its length that we had asked for."""
    loader = data.DataLoader(Stream(), BATCH)
    record(lambda: _train(loader))
    assert loader._IterableDataset_len_called is None


def test_an_error_of_a_length_shows_no_frame_of_ours() -> None:
    """As plain torch shows it."""

    class Broken(data.Dataset):
        def __len__(self) -> int:
            raise ValueError("no length yet")

    def shown() -> str:
        try:
            data.random_split(Broken(), [1, 2])
        except ValueError as error:
            return "".join(traceback.format_tb(error.__traceback__))
        return ""

    plainly, seen = shown(), []
    record(lambda: seen.append(shown()))
    assert seen == [plainly]


def test_torch_s_modules_are_as_they_were_afterwards() -> None:
    """And nothing is noted any more."""
    kept = Counting()

    def script() -> nn.Module:
        model = _train(data.DataLoader(kept, BATCH))
        assert known_length(kept) == EXAMPLES
        return model

    record(script)
    assert "len" not in vars(torchs_sampler)
    assert known_length(kept) is None
