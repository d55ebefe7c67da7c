"""A trained model that serves as its own reference."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from recordkit import Records, record
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 6


def _run(
    step: Callable[[nn.Module, nn.Module, torch.Tensor], torch.Tensor], reference: Callable[[nn.Module], nn.Module]
) -> Records:
    def train() -> tuple[nn.Module, nn.Module]:
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        other = reference(model)
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(STEPS):
            optimizer.zero_grad()
            step(model, other, torch.randn(8, 4)).backward()
            optimizer.step()
        return model, other

    return record(train)


def _preference(model: nn.Module, reference: nn.Module, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        theirs = reference(x).log_softmax(-1)
    margin = model(x).log_softmax(-1) - theirs
    return -F.logsigmoid(margin[:, 0] - margin[:, 1]).mean()


def _distance(model: nn.Module, teacher: nn.Module, x: torch.Tensor) -> torch.Tensor:
    answer = model(x)
    with torch.no_grad():
        wanted = teacher(x.clone())
    return F.mse_loss(answer, wanted)


def test_the_policy_as_its_own_reference_answers_alike_in_every_step() -> None:
    """The first step is not looked at."""
    assert _run(_preference, lambda model: model).events("self-reference") == [
        {"looked": STEPS - 1, "equal": STEPS - 1, "zero": 0}
    ]


def test_a_copy_answers_otherwise_from_the_second_step_on() -> None:
    """It was equal before the first one only."""
    told = _run(_preference, copy.deepcopy).events("self-reference")
    assert told == [{"looked": STEPS - 1, "equal": 0, "zero": 0}]


def test_the_distance_to_oneself_is_zero() -> None:
    """Also where the input was copied, and whichever of the two comes first."""
    assert _run(_distance, lambda model: model).events("self-reference")[0]["zero"] == STEPS - 1
    assert _run(_distance, copy.deepcopy).events("self-reference")[0]["zero"] == 0


def test_other_inputs_are_not_compared() -> None:
    """An evaluation between the steps has data of its own."""

    def evaluated(model: nn.Module, _: nn.Module, x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            model(torch.randn(8, 4))
        return model(x).pow(2).mean()

    assert _run(evaluated, lambda model: model).events("self-reference")[0]["equal"] == 0


def test_a_second_training_is_looked_at_too() -> None:
    """Two preference trainings after a supervised one, each with an optimizer of its own."""

    def train() -> object:
        model, made = nn.Linear(4, 3), []
        for step in (_plain, _preference, _preference):
            made.append(torch.optim.SGD(model.parameters(), 0.1))
            for _ in range(20):
                made[-1].zero_grad()
                step(model, model, torch.randn(8, 4)).backward()
                made[-1].step()
        return model, made

    told = record(train).events("self-reference")
    assert [(event["looked"], event["equal"]) for event in told] == [(12, 0), (12, 12), (12, 12)]


def _plain(model: nn.Module, _: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(model(x), torch.zeros(8, 3))


def test_what_the_first_steps_show_is_told_once_they_are_over() -> None:
    """A run that is killed later has told it; the end does not tell it again."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(30):
            optimizer.zero_grad()
            _preference(model, model, torch.randn(8, 4)).backward()
            optimizer.step()
        return model

    records = record(train)
    kinds = [entry.get("kind", entry["record"]) for entry in records]
    assert kinds.count("self-reference") == 1
    assert kinds[kinds.index("self-reference") :].count("step") > 10
