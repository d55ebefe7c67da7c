"""Which rows of a codebook are chosen: counted by the recorder as a naive loop counts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from builders import make_model, signals_of
from recordkit import record
from torch import nn

ENTRIES, WIDTH, STEPS = 16, 3, 4
LookUp = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
LOOKUPS: dict[str, LookUp] = {
    "embedding": F.embedding,
    "index": lambda index, rows: rows[index],
    "index_select": lambda index, rows: torch.index_select(rows, 0, index),
}


class Quantized(nn.Module):
    """Nearest rows of a matrix, with a straight-through estimator; keeps the indices it has chosen."""

    def __init__(self, look_up: LookUp, far: float) -> None:
        super().__init__()
        self.look_up, self.encoder = look_up, nn.Linear(5, WIDTH)
        self.rows = nn.Parameter(torch.randn(ENTRIES, WIDTH))
        self.rows.data[3:] += far
        self.chosen: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        z = self.encoder(x)
        index = torch.cdist(z, self.rows).argmin(1)
        self.chosen += index.tolist()
        row = self.look_up(index, self.rows)
        return (row - z.detach()).pow(2).mean() + (z - row.detach()).pow(2).mean()


def _codebooks(model: nn.Module, given: Callable[[], Any], steps: int = STEPS) -> list[dict[str, Any]]:
    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), 0.001)
        for _ in range(steps):
            optimizer.zero_grad()
            model(given()).backward()
            optimizer.step()
        return model

    return record(train).events("codebook")


@pytest.mark.parametrize("far", [0.0, 50.0])
@pytest.mark.parametrize("kind", LOOKUPS)
def test_chosen_rows_are_counted(kind: str, far: float) -> None:
    """Whatever looks the rows up, the count is that of the different indices."""
    torch.manual_seed(2)
    model = Quantized(LOOKUPS[kind], far)
    (told,) = _codebooks(model, lambda: torch.randn(20, 5))
    assert told["used"] == len(set(model.chosen))
    assert (told["entries"], told["looks"], told["chosen"], told["even"]) == (ENTRIES, STEPS, 20 * STEPS, False)


class Sometimes(Quantized):
    """Looks its rows up in the first of so many steps only."""

    def __init__(self, every: int) -> None:
        super().__init__(F.embedding, 0.0)
        self.every, self.calls = every, -1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.encoder(x).pow(2).mean() if self.calls % self.every else super().forward(x)


@pytest.mark.parametrize(
    ("steps", "every", "looks"),
    [(3, 1, [3]), (4, 1, [4]), (10, 1, [4, 4, 2]), (7, 2, [4]), (8, 2, [4]), (17, 2, [4, 4, 1])],
)
def test_counts_are_told_after_four_looks_then_after_twice_as_many(steps: int, every: int, looks: list[int]) -> None:
    """What is left at the end; steps without a look do not count."""
    told = _codebooks(Sometimes(every), lambda: torch.randn(20, 5), steps)
    assert [detail["looks"] for detail in told] == looks
    assert [detail["chosen"] for detail in told] == [20 * count for count in looks]


@pytest.mark.parametrize(("entries", "known"), [(15, 0), (16, 1)])
def test_a_small_matrix_is_no_codebook(entries: int, known: int) -> None:
    """Nor is one in which a single row is looked up."""
    model = Quantized(F.embedding, 0.0)
    model.rows = nn.Parameter(torch.randn(entries, WIDTH))
    assert len(_codebooks(model, lambda: torch.randn(20, 5))) == known
    assert not _codebooks(Quantized(F.embedding, 0.0), lambda: torch.randn(1, 5))
    assert len(_codebooks(Quantized(F.embedding, 0.0), lambda: torch.randn(2, 5))) == 1


def test_a_codebook_that_shows_after_the_first_steps_is_not_looked_for() -> None:
    """Four are looked at."""
    model = Sometimes(2)
    model.calls = -5
    model.every = 10**9
    assert not _codebooks(model, lambda: torch.randn(20, 5), 8)
    late = Sometimes(10**9)
    late.calls = -4
    assert [detail["looks"] for detail in _codebooks(late, lambda: torch.randn(20, 5), 8)] == [1]


def test_tokens_are_no_codes() -> None:
    """Rows that the input chooses are an embedding: nothing is told."""

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = nn.Embedding(ENTRIES, WIDTH)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.rows(ids).pow(2).mean()

    assert not _codebooks(Tokens(), lambda: torch.randint(0, 4, (20,)))


def test_positions_are_no_codes() -> None:
    """Rows that are used equally often are told as even."""

    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows, self.layer = nn.Embedding(ENTRIES, WIDTH), nn.Linear(5, WIDTH)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            places = torch.arange(x.shape[1]).expand(x.shape[0], -1)
            return (self.layer(x) + self.rows(places)).pow(2).mean()

    (told,) = _codebooks(Positions(), lambda: torch.randn(4, 6, 5))
    assert (told["used"], told["even"]) == (6, True)


def _told(**fields: Any) -> dict[str, Any]:
    detail = {"parameter": 1, "entries": 16, "looks": 8, "chosen": 160, "used": 4, "even": False} | fields
    return {"kind": "codebook", "detail": detail}


def _signals(tmp_path: Any, *told: dict[str, Any]) -> Any:
    return signals_of(tmp_path, steps=20, models=[make_model(("code", "Embedding", 3, 16))], events=list(told))


def test_the_latest_counts_of_the_poorest_codebook(tmp_path: Any) -> None:
    """Early counts are past, those of few looks say nothing, and another codebook in full use does not hide it."""
    seen = _signals(tmp_path, _told(used=16), _told(used=2), _told(parameter=0, used=15), _told(used=1, looks=1))
    assert (seen["codebook_used_share"], seen["codebook_used"], seen["codebook_entries"]) == (0.125, 2, 16)
    assert seen["codebook_choices"] == 10.0


def test_even_counts_are_left_out(tmp_path: Any) -> None:
    """Positions have no share; without a codebook the share is 1."""
    assert _signals(tmp_path, _told(even=True))["codebook_used_share"] == 1.0
    assert _signals(tmp_path)["codebook_used_share"] == 1.0
