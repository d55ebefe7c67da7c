"""Hundreds of short trainings in one process: once they cost more than their share, most are left out as a whole."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import Records, make_recorder
from torch import nn

from trainadvisor.record import left_out_trainings

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST, TRAININGS, STEPS = 4, 20, 3


def _net() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def _step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    nn.functional.mse_loss(model(torch.randn(4, 4)), torch.zeros(4, 2)).backward()
    optimizer.step()


def _train(steps: int = STEPS, model: nn.Module | None = None) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = model or _net()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(steps):
        _step(model, optimizer)
    return model, optimizer


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Records]:
    """Return what records a script, by default one whose recording has cost too much from the first training on."""

    def run(script: Callable[[], Any], *, dear: bool = True) -> Records:
        monkeypatch.setattr(left_out_trainings, "FIRST", FIRST)
        monkeypatch.setattr(left_out_trainings, "BURST_SECONDS", -1e9 if dear else 1e9)
        records = Records()
        recorder = make_recorder(records)
        recorder.start()
        try:
            kept = script()
        finally:
            recorder.stop("finished")
        del kept
        assert records.failures == []
        return records

    return run


def _left_out(records: Records) -> int:
    return int(records.events("overhead")[-1].get("trainings_left_out", 0))


def _many() -> None:
    for _ in range(TRAININGS):
        _train()


def test_most_trainings_are_left_out_and_counted(recorded: Callable[..., Records]) -> None:
    """The first are recorded, then one each time that their number has grown by a fifth; the end counts all steps."""
    records = recorded(_many)
    models = len(records.facts("model"))
    assert _left_out(records) == TRAININGS - models
    assert FIRST < models < TRAININGS // 2 + FIRST
    assert records.of("end")[0]["steps"] == TRAININGS * STEPS
    assert len(records.of("step")) == models * STEPS
    assert records.events("overhead")[-1]["skipped"] == (TRAININGS - models) * STEPS
    assert records.of("step")[-1]["step"] > TRAININGS * STEPS // 2


def test_within_the_budget_every_training_is_recorded(recorded: Callable[..., Records]) -> None:
    """Nothing is said of any that were left out."""
    records = recorded(_many, dear=False)
    assert len(records.facts("model")) == TRAININGS
    assert "trainings_left_out" not in records.events("overhead")[-1]


def test_counts_of_calls_hold_those_of_trainings_that_were_left_out(recorded: Callable[..., Records]) -> None:
    """As many backwards, steps and cleared gradients as the script made."""
    tally = recorded(_many).tally
    assert [tally[name] for name in ("train_forward", "backward", "step", "zero_grad")] == [TRAININGS * STEPS] * 4


def test_trainings_that_are_not_short_are_all_recorded(
    recorded: Callable[..., Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is judged by itself."""
    monkeypatch.setattr(left_out_trainings, "MOST_STEPS", STEPS - 1)
    assert len(recorded(_many).facts("model")) == TRAININGS


def test_a_training_that_goes_on_is_recorded_from_there(
    recorded: Callable[..., Records], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parameters are told as trained before, and it counts as recorded."""
    monkeypatch.setattr(left_out_trainings, "MOST_STEPS", 5)

    def script() -> Any:
        for _ in range(FIRST):
            _train()
        return _train(25)

    records = recorded(script)
    assert _left_out(records) == 0
    assert [fact["earlier"] for fact in records.facts("model")[FIRST]["parameters"]] == [True] * 4
    steps = [row["step"] for row in records.of("step")][FIRST * STEPS :]
    assert steps == list(range(FIRST * STEPS + 6, FIRST * STEPS + 25))


def test_what_is_trained_by_an_optimizer_that_has_stepped_is_recorded(recorded: Callable[..., Records]) -> None:
    """Parts of one training that are called one after the other are no trainings of their own."""

    def script() -> Any:
        parts = nn.ModuleList(_net() for _ in range(TRAININGS))
        optimizer = torch.optim.Adam(parts.parameters(), 1e-3)
        for part in parts:
            _step(part, optimizer)
        return parts, optimizer

    records = recorded(script)
    assert len(records.of("step")) == TRAININGS
    assert _left_out(records) == 0


def test_steps_of_a_known_optimizer_between_left_out_trainings_are_recorded(recorded: Callable[..., Records]) -> None:
    """As in meta-learning, where each episode trains a copy."""

    def script() -> Any:
        model, outer = _train()
        for _ in range(TRAININGS):
            _train(model=copy.deepcopy(model))
            _step(model, outer)
        return model, outer

    records = recorded(script)
    by_outer = [row for row in records.of("step") if row["opt"] == [0]]
    assert len(by_outer) == STEPS + TRAININGS
    assert _left_out(records) >= TRAININGS // 2


@pytest.mark.parametrize("frozen", [False, True])
def test_a_known_model_that_only_answers_does_not_end_the_leaving_out(
    recorded: Callable[..., Records],
    frozen: bool,  # noqa: FBT001
) -> None:
    """A teacher under no_grad, or without parameters that learn."""

    def script() -> Any:
        teacher, optimizer = _train()
        teacher.requires_grad_(not frozen)
        for _ in range(TRAININGS):
            student = _net()
            own = torch.optim.SGD(student.parameters(), 0.1)
            for _ in range(STEPS):
                x = torch.randn(4, 4)
                with torch.set_grad_enabled(frozen):
                    target = teacher(x)
                own.zero_grad()
                nn.functional.mse_loss(student(x), target).backward()
                own.step()
        return teacher, optimizer

    records = recorded(script)
    assert _left_out(records) >= TRAININGS // 2
    assert records.of("end")[0]["steps"] == (TRAININGS + 1) * STEPS


def test_weights_loaded_meanwhile_are_known_as_loaded(recorded: Callable[..., Records]) -> None:
    """The model that follows is recorded with where it came from."""

    def script() -> Any:
        for _ in range(FIRST + 1):
            model, _ = _train()
        loaded = _net()
        loaded.load_state_dict(model.state_dict())
        return _train(model=loaded)

    records = recorded(script)
    assert _left_out(records) > 0
    assert [fact["loaded"] for fact in records.facts("model")[-1]["parameters"]] == [True] * 4


def test_nothing_that_is_left_out_is_kept_alive(recorded: Callable[..., Records]) -> None:
    """Neither models nor optimizers."""
    made: list[Any] = []

    def script() -> None:
        for _ in range(TRAININGS):
            model, optimizer = _train()
            made.extend((weakref.ref(model), weakref.ref(optimizer)))
        del model, optimizer
        gc.collect()
        assert [reference() for reference in made] == [None] * len(made)

    assert _left_out(recorded(script)) > 0


def test_an_evaluation_of_what_is_left_out_is_of_no_training(recorded: Callable[..., Records]) -> None:
    """Its losses are in no record; those of recorded trainings are."""

    def script() -> None:
        for _ in range(TRAININGS):
            model, _ = _train()
            with torch.no_grad():
                nn.functional.mse_loss(model.eval()(torch.randn(4, 4)), torch.zeros(4, 2))

    records = recorded(script)
    assert len(records.of("eval")) == len(records.facts("model"))
