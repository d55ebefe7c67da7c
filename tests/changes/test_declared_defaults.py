"""What each change does where nobody says how: the defaults that its documentation and the advice of rules stand on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from trainadvisor.changes.catalogue import all_changes
from trainadvisor.changes.preflight_experiments import _OneBatch

DEFAULTS: dict[str, dict[str, Any]] = {
    "accumulation": {"divide": True, "steps": None}, "activation": {"to": "relu"},
    "add-nonlinearity": {"to": None, "width": 64}, "augmentation": {"noise": 0.0}, "balance-loss": {"weight": 0.01},
    "batch-size": {"factor": None, "value": None}, "betas": {"beta1": None, "beta2": 0.95},
    "bn-momentum": {"value": 0.1}, "capacity": {"factor": 2.0}, "change-output-activation": {"to": "none"},
    "clip": {"error_if_nonfinite": False, "max_norm": None}, "contracts": {"seconds": 20.0},
    "dropout": {"factor": None, "p": None}, "early-stopping": {"average": False, "decay": 0.99, "step": None},
    "eps": {"value": 1e-08}, "fix-data": {"nonfinite": True}, "fix-labels": {"order": "shared"},
    "init": {"bias": None, "to": None}, "label-smoothing": {"value": 0.1},
    "loss-function": {"reduction": None, "scale": None, "to": None, "z_loss": None},
    "lr": {"factor": None, "value": None}, "lr-range": {"highest": 10.0, "lowest": 1e-06, "steps": 100},
    "match-shapes": {"operation": "Sub"}, "mode": {"mode": "both"}, "normalization": {"to": "layer"},
    "optimizer": {"lr": None, "momentum": None, "to": "Adam", "weight_decay": None},
    "pin-memory": {"pin_memory": True},
    "precision": {"dtype": None, "islands": False, "matmul": None, "scaler": False, "weights": None},
    "schedule": {"name": None, "steps": None, "to": None}, "scheduler-step": {"per": "epoch"},
    "shuffle": {"shuffle": True}, "stable-loss": {"eps": 1e-06}, "train-longer": {"factor": 2.0},
    "unrecorded-steps": {"after": 50, "count": 40, "seconds": 5.0}, "warmup": {"steps": 100},
    "weight-decay": {"value": 0.0}, "workers": {"num_workers": 2},
}  # fmt: skip


def test_each_argument_of_a_change_has_its_default() -> None:
    """By which it is tried when a rule names the change alone."""
    found = {
        spec.name: {name: argument.default for name, argument in spec.arguments.items()}
        for spec in all_changes().values()
        if spec.function.__module__.startswith("trainadvisor.") and spec.arguments
    }
    assert found == DEFAULTS


def _one_batch(steps: int = 2) -> tuple[_OneBatch, list[str]]:
    told: list[str] = []
    session = SimpleNamespace(steps=steps)
    application: Any = SimpleNamespace(done=told.append, refuse=told.append, session=session)
    return _OneBatch(application), told


def test_inputs_and_targets_of_the_first_step_are_given_again() -> None:
    """Copies of them, by the number of the call in its step."""
    experiment, told = _one_batch()
    first, second = torch.ones(2), torch.zeros(2)
    given = [experiment._held("inputs", (first,))[0], experiment._held("inputs", (second,))[0]]
    assert [one is two for one, two in zip(given, (first, second), strict=True)] == [True, True]
    experiment._held("targets", first)
    experiment.stepped()
    first.fill_(9.0)
    again = [experiment._held("inputs", (torch.full((2,), 5.0),))[0] for _ in range(2)]
    assert [one.tolist() for one in again] == [[1.0, 1.0], [0.0, 0.0]]
    again[0].fill_(7.0)
    experiment.stepped()
    assert experiment._held("inputs", (second,))[0].tolist() == [1.0, 1.0]
    assert told[-1].startswith("no DataLoader feeds it")
    experiment._held("targets", second)
    experiment.stepped()
    assert told[-1] == "the inputs and targets of the first step are given again and again"


def test_what_the_step_itself_has_computed_stays() -> None:
    """A tensor with a gradient, and all that is called without gradients."""
    experiment, _ = _one_batch()
    kept, computed = torch.ones(2), torch.ones(2, requires_grad=True) * 3
    experiment._held("inputs", kept)
    experiment.stepped()
    assert experiment._held("inputs", computed) is computed
    experiment.stepped()
    with torch.no_grad():
        assert experiment._held("inputs", computed.detach()).tolist() == [3.0, 3.0]
    assert experiment._held("inputs", computed.detach()).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("steps", "told"), [(1, []), (2, ["no DataLoader feeds it, and no loss function of torch is given its targets"])]
)
def test_what_cannot_be_repeated_is_refused_after_the_second_step(steps: int, told: list[str]) -> None:
    """Not before."""
    experiment, said = _one_batch(steps)
    experiment.stepped()
    assert said == told
