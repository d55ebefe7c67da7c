"""Which dimension a sequence layer takes for time, told beside the number of examples, and what that decides."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor.log.reader import read_log
from trainadvisor.record.losses import sequence_graph
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXAMPLES, BATCH, TIME = 40, 16, 6


class Net(nn.Module):
    """A layer over sequences, read at its end."""

    def __init__(self, layer: nn.Module, read: Callable[[torch.Tensor], torch.Tensor], *, turned: bool = False) -> None:
        super().__init__()
        self.layer, self.read, self.turned, self.head = layer, read, turned, nn.Linear(8, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.transpose(0, 1) if self.turned else x
        out = self.layer(x, x, x) if isinstance(self.layer, nn.MultiheadAttention) else self.layer(x)
        return self.head(self.read(out[0] if isinstance(out, tuple) else out))


def _last(out: torch.Tensor) -> torch.Tensor:
    return out[:, -1]


def _first_dimension(out: torch.Tensor) -> torch.Tensor:
    return out[-1]


def _batches() -> DataLoader[Any]:
    torch.manual_seed(0)
    x, y = torch.randn(EXAMPLES, TIME, 8), torch.randint(0, 3, (EXAMPLES,))
    return DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)


def _signals(net: nn.Module, batches: Any, folder: Path) -> Signals:
    def train() -> object:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            for x, y in batches:
                optimizer.zero_grad()
                F.cross_entropy(net(x), y.flatten()).backward()
                optimizer.step()
        return net

    log = folder / "log.json"
    log.write_text(json.dumps(record(train)), encoding="utf-8")
    return Signals(read_log(log))


WRONG = {
    "lstm": lambda: Net(nn.LSTM(8, 8), _last),
    "gru with time in front": lambda: Net(nn.GRU(8, 8, batch_first=True), _first_dimension, turned=True),
    "attention": lambda: Net(nn.MultiheadAttention(8, 2), _last),
    "transformer": lambda: Net(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 8), 2), _last),
}
RIGHT = {
    "lstm": lambda: Net(nn.LSTM(8, 8, batch_first=True), _last),
    "gru turned round": lambda: Net(nn.GRU(8, 8), _first_dimension, turned=True),
    "attention": lambda: Net(nn.MultiheadAttention(8, 2, batch_first=True), _last),
    "one example a row": lambda: Net(nn.Sequential(nn.Linear(8, 8)), _last),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_layer_whose_time_is_the_batch_is_found(kind: str, tmp_path: Path) -> None:
    """Time follows the batches of 16, 16 and 8 examples, and the steps of a sequence stand for the batch."""
    signals = _signals(WRONG[kind](), _batches(), tmp_path)
    assert signals["batch_read_as_time"] == (2 if kind == "transformer" else 1)
    assert (signals["mixed_time"], signals["mixed_batch"]) == (BATCH, TIME)
    assert signals["batch_first_wanted"] == str(kind != "gru with time in front")


@pytest.mark.parametrize("kind", RIGHT)
def test_a_layer_that_reads_the_right_axis_is_not(kind: str, tmp_path: Path) -> None:
    """The batch of the layer is that of the loader."""
    assert _signals(RIGHT[kind](), _batches(), tmp_path)["batch_read_as_time"] == 0


def test_a_batch_with_time_in_front_is_no_fault(tmp_path: Path) -> None:
    """Padded sequences come as (time, batch, features): a length below the batch size is no smaller batch."""
    torch.manual_seed(0)

    def joined(rows: list[Any]) -> tuple[torch.Tensor, torch.Tensor]:
        sequences = pad_sequence([sequence for sequence, _ in rows])
        return sequences, torch.zeros(sequences.shape[:2], dtype=torch.long)

    data = [(torch.randn(5 + i % 3, 8), 0) for i in range(EXAMPLES)]
    loader = DataLoader(data, batch_size=BATCH, collate_fn=joined)
    net = Net(nn.LSTM(8, 8), lambda out: out.flatten(0, 1))
    assert not _signals(net, loader, tmp_path)["batch_read_as_time"]


def test_without_a_loader_the_input_the_answers_and_the_targets_have_to_agree(tmp_path: Path) -> None:
    """By hand, a first dimension is the batch only where nothing else could be it."""
    torch.manual_seed(0)
    x, y = torch.randn(BATCH, TIME, 8), torch.randint(0, 3, (BATCH,))
    assert _signals(Net(nn.LSTM(8, 8), _last), [(x, y)], tmp_path)["batch_read_as_time"] == 1
    in_front = [(x, torch.randint(0, 3, (TIME,)))]
    assert _signals(Net(nn.LSTM(8, 8), _first_dimension), in_front, tmp_path)["batch_read_as_time"] is None


def test_attention_along_both_axes_is_meant(tmp_path: Path) -> None:
    """A model that attends between the parts of an example and between the examples does so on purpose."""

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.MultiheadAttention(8, 2, batch_first=True)
            self.examples, self.head = nn.MultiheadAttention(8, 2), nn.Linear(8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.parts(x, x, x)[0]
            return self.head(self.examples(x, x, x)[0][:, -1])

    assert _signals(Both(), _batches(), tmp_path)["batch_read_as_time"] == 0


def test_examples_attended_to_as_one_set_are_meant(tmp_path: Path) -> None:
    """A batch that was made one sequence has a batch of one."""
    net = Net(nn.MultiheadAttention(8, 2, batch_first=True), lambda out: out[0])
    batches = [(x[:, 0][None], y) for x, y in _batches()]
    assert not _signals(net, batches, tmp_path)["batch_read_as_time"]


@pytest.mark.parametrize(("order", "direction"), [((0, 1, 2), "forward"), ((2, 1, 0), "backward")])
@pytest.mark.parametrize("unbound", [False, True])
def test_a_loop_over_the_places_has_a_direction(order: tuple[int, ...], direction: str, *, unbound: bool) -> None:
    """Its first result was computed from the first place alone, or from those behind it too."""
    x = torch.randn(2, 3, 4, requires_grad=True) * 2
    places = x.unbind(1) if unbound else [x[:, place] for place in range(3)]
    state, results = torch.zeros(2, 4), {}
    for place in order:
        state = torch.tanh(places[place] + state)
        results[place] = state
    stacked = torch.stack([results[place] for place in range(3)], 1)
    assert sequence_graph._of_stack(stacked.grad_fn) == {direction}
    assert sequence_graph._of_stack(torch.stack([x, x]).grad_fn) == set()


@pytest.mark.parametrize(
    ("reads", "ids", "straight"),
    [
        (lambda table, ids: table[ids].tanh(), None, True),
        (lambda table, ids: F.embedding(ids, table).tanh(), None, True),
        (lambda table, ids: F.embedding(ids, table).tanh(), "same", True),
        (lambda table, ids: F.embedding(ids, table).tanh(), "others", False),
        (lambda table, _: (torch.ones(2, 3, 4) * table.sum()).tanh(), "same", False),
        (lambda table, _: torch.ones(2, 3, 4).tanh() + table.sum(), "same", False),
    ],
)
def test_a_path_to_the_lookups_of_given_ids(
    reads: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], ids: str | None, *, straight: bool
) -> None:
    """Any input where no ids are given; where they are, neither other ids nor an input that was looked up nowhere."""
    given = torch.tensor([[0, 1, 2], [3, 4, 0]])
    result = reads(torch.randn(5, 4, requires_grad=True), given)
    wanted = {"same": given, "others": given + 1}.get(ids or "")
    assert sequence_graph.goes_straight(result.grad_fn, 2, 3, wanted) is straight


@pytest.mark.parametrize(
    ("shape", "known"), [((2, 3), True), ((1, 2), True), ((3, 1), False), ((6,), False), ((2, 3, 2), False)]
)
def test_the_ids_of_a_lookup(shape: tuple[int, ...], known: bool) -> None:  # noqa: FBT001 - a table
    """Where they are sequences of two places or more."""
    ids = torch.arange(math.prod(shape)).reshape(shape)
    found = sequence_graph.embedded_ids(F.embedding(ids, torch.ones(40, 4, requires_grad=True)).grad_fn)
    assert (found is not None and torch.equal(found, ids)) is known
