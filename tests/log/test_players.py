"""Optimizers that take turns are told apart on the page: two curves, never one that jumps between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import log_of, make_model, make_optimizer, site

from trainadvisor.i18n.language import Words
from trainadvisor.log.curves import curves
from trainadvisor.log.curves.players import players
from trainadvisor.report.text import healthy
from trainadvisor.telling import diagnose

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.log.reader import RunLog

STEPS = 200
TURNS = [[0], [1]]


def playing(folder: Path, turns: list[list[int]], second: tuple[int, ...] = (2, 3), **columns: Any) -> RunLog:
    """Return a log in which the optimizers of G and D step in the order that is given, again and again."""
    optimizers = [
        make_optimizer(parameters=[0, 1], id=0) | {"site": site("g_opt = torch.optim.Adam(self.G.parameters())")},
        make_optimizer(parameters=second, id=1) | {"site": site("d_opt = make(D)")},
    ]
    steps = [
        {"opt": turns[n % len(turns)], "loss": (1.0, 100.0)[n % 2], "lr": [(0.1, 0.2)[n % 2]]} for n in range(STEPS)
    ]
    model = make_model(("one", "Linear", 4, 4), ("two", "Linear", 4, 2))
    return log_of(folder, steps=steps, columns=columns, models=[model], optimizers=optimizers)


def test_each_player_has_a_curve_of_its_own(tmp_path: Path) -> None:
    """Its name is the one of the script: whose parameters the optimizer holds, else the optimizer's own."""
    log = playing(tmp_path, TURNS)
    series = curves(log)["series"]
    assert [player.name for player in players(log)] == ["G", "d_opt"]
    assert (series["loss.0"]["player"], series["loss.1"]["player"]) == ("G", "d_opt")
    assert set(series["loss.0"]["y"]) == {1.0}
    assert set(series["loss.1"]["y"]) == {100.0}
    assert series["loss.1"]["x"][:3] == [1, 3, 5]
    assert [set(series[f"lr.{place}"]["y"]) for place in (0, 1)] == [{0.1}, {0.2}]


def test_a_turn_of_another_player_is_no_spike(tmp_path: Path) -> None:
    """A loss is held against those of its own player: here every second loss is a hundred times the one before."""
    assert curves(playing(tmp_path, TURNS))["marks"]["spikes"] == []


@pytest.mark.parametrize("turns", [[[0]], [[0, 1]], [[0]] * 199 + [[1]]], ids=["one", "together", "once"])
def test_who_does_not_take_turns_is_no_player(tmp_path: Path, turns: list[list[int]]) -> None:
    """One optimizer, two that step together, and one that steps a single time."""
    log = playing(tmp_path, turns)
    assert players(log) == []
    assert not [name for name in curves(log)["series"] if name.startswith("loss.")]


def test_optimizers_of_the_same_parameters_are_no_players(tmp_path: Path) -> None:
    """They train one thing, with one loss."""
    assert players(playing(tmp_path, TURNS, second=(1, 2))) == []


def test_names_that_are_alike_are_numbered(tmp_path: Path) -> None:
    """Two optimizers made in one line of a function."""
    log = playing(tmp_path, TURNS)
    for optimizer in log.optimizers:
        optimizer["site"] = site("return torch.optim.Adam(net.parameters())")
    assert [player.name for player in players(log)] == ["net 1", "net 2"]


def test_the_losses_of_players_are_told_apart_in_figures(tmp_path: Path) -> None:
    """No line says that a loss went from that of one player to that of the other."""
    facts = run_of(playing(tmp_path, TURNS))
    own = [{"name": "G", "first": 1.0, "final": 1.0}, {"name": "d_opt", "first": 100.0, "final": 100.0}]
    assert facts["players"] == own
    told = healthy.ROWS["healthy.loss"](Words("en"), facts)
    assert told == ["G: 1 -> 1 train, d_opt: 100 -> 100 train"]


def test_a_training_without_players_has_one_line(tmp_path: Path) -> None:
    """As before."""
    facts = run_of(playing(tmp_path, [[0, 1]]))
    assert "players" not in facts
    assert healthy.ROWS["healthy.loss"](Words("en"), facts)[0] == "1 -> 50.5 train"


def run_of(log: RunLog) -> dict[str, Any]:
    """Return the facts that a diagnosis holds of a log."""
    facts: dict[str, Any] = diagnose(log.path).run
    return facts
