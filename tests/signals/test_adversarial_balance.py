"""Which of two opponents wins, by their losses: in another tool's log and in a recorded training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import trainadvisor
from trainadvisor import signals
from trainadvisor.importers.foreign_logs import read_log

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("opponent_ahead", "opponent_behind", "opponent_low", "opponent_high", "opponent_fell")


def seen(folder: Path, rows: list[dict[str, Any]]) -> list[Any]:
    """The signals of rows that another tool wrote."""
    path = folder / "rows"
    path.write_text("\n".join(map(json.dumps, rows)))
    told = signals.of(read_log(path))
    return [told[name] for name in NAMES]


@pytest.mark.parametrize(("one", "other"), [("d_loss", "g_loss"), ("Loss_D", "Loss_G"), ("D loss", "G loss")])
def test_the_lower_loss_is_ahead(one: str, other: str, tmp_path: Path) -> None:
    """The levels are those of the last third."""
    rows = [{"step": k, one: 1.0 if k < 20 else 0.01, other: 1.0 if k < 20 else 8.0} for k in range(30)]
    assert seen(tmp_path, rows) == [one, other, 0.01, 8.0, 0.0]


def test_the_fall_of_the_higher_loss_is_that_from_its_highest_fifth(tmp_path: Path) -> None:
    """From 8 to 2."""
    rows = [{"step": k, "d_loss": 0.1, "g_loss": 8.0 if 10 <= k < 20 else 2.0} for k in range(30)]
    assert seen(tmp_path, rows)[-1] == pytest.approx(0.75)


@pytest.mark.parametrize(
    "rows",
    [
        [{"step": k, "d_loss": -1.0, "g_loss": 8.0} for k in range(30)],
        [{"step": k, "d_loss": 0.1, "g_loss": 8.0} for k in range(8)],
        [{"step": k, "loss": 0.1, "val_loss": 8.0} for k in range(30)],
    ],
    ids=["a critic", "too short", "no opponents"],
)
def test_losses_that_do_not_show_it(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    """A Wasserstein critic goes below 0."""
    assert seen(tmp_path, rows) == [None] * 5


def test_the_players_of_a_recorded_training_are_told_apart(tmp_path: Path) -> None:
    """Two optimizers take turns; each step has the loss of its own player."""
    ahead, behind = nn.Linear(2, 1), nn.Linear(2, 1)
    first = torch.optim.SGD(ahead.parameters(), lr=1e-3)
    second = torch.optim.SGD(behind.parameters(), lr=1e-3)
    with trainadvisor.watch(nn.ModuleList([ahead, behind]), [first, second], log=tmp_path / "log.json"):
        for _ in range(20):
            for model, optimizer, level in ((ahead, first, 0.01), (behind, second, 8.0)):
                optimizer.zero_grad()
                (model(torch.ones(4, 2)).mean() * 0 + level).backward()
                optimizer.step()
    told = signals.of(trainadvisor.read_log(tmp_path / "log.json"))
    assert [told[name] for name in NAMES] == ["SGD 1", "SGD 2", pytest.approx(0.01), pytest.approx(8.0), 0.0]
