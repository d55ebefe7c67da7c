"""Models that answer in the steps and are not trained."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F

from trainadvisor.record.probes.idle_twins import _among

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = 6
Pair = tuple[nn.Module, nn.Module]


def _told(
    update: Callable[[nn.Module, nn.Module], object] = lambda *_: None,
    second: Callable[[nn.Module], nn.Module] = copy.deepcopy,
    *,
    same_input: bool = False,
) -> dict[str, Any]:
    def train() -> Pair:
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        target = second(model)
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(STEPS):
            x = torch.randn(8, 4)
            following = x.clone() if same_input else torch.randn(8, 4)
            with torch.no_grad():
                wanted = target(following).max(1).values
            optimizer.zero_grad()
            F.mse_loss(model(x)[:, 0], wanted).backward()
            optimizer.step()
            update(model, target)
        return model, target

    (told,) = record(train).events("twin")
    return told


def test_a_target_that_is_never_updated_keeps_its_weights() -> None:
    """It began as a copy of the model, is called in each step, and has inputs of its own."""
    told = _told()
    assert (told["first"], told["last"], told["called"]) == (0, STEPS - 1, STEPS)
    assert (told["looked"], told["others"], told["changed"]) == (STEPS, STEPS, False)
    assert len(told["alike"]) == 1


def test_a_target_that_follows_changes() -> None:
    """By a copy of the whole, and little by little through .data, which torch does not count as a change."""

    def little(model: nn.Module, target: nn.Module) -> None:
        for theirs, ours in zip(target.parameters(), model.parameters(), strict=True):
            theirs.data.copy_(0.9 * theirs.data + 0.1 * ours.data)

    assert _told(lambda model, target: target.load_state_dict(model.state_dict()))["changed"] is True
    assert _told(little)["changed"] is True


def test_a_reference_gets_the_inputs_of_the_model() -> None:
    """Also where they were copied."""
    assert _told(same_input=True)["others"] == 0


def test_an_input_that_is_part_of_a_larger_batch_is_no_other() -> None:
    """The same batch of other examples is another input, a slice of a batch is not."""
    batch = torch.arange(12.0).reshape(6, 2)
    assert _among(batch[2:4], [batch])
    assert not _among(batch.flip(0), [batch])
    assert not _among(batch[2:4] + 0.5, [batch])


def test_a_teacher_has_weights_of_its_own() -> None:
    """It is no copy of the model."""
    assert _told(second=lambda _: nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)))["alike"] == []


def test_it_is_told_while_the_training_runs() -> None:
    """A model of a function is gone at the end: after a hundred steps, and then whenever there are a fifth more."""

    def train() -> None:
        model, target = nn.Linear(4, 2), nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(130):
            with torch.no_grad():
                wanted = target(torch.randn(8, 4))
            F.mse_loss(model(torch.randn(8, 4)), wanted).backward()
            optimizer.step()

    assert [told["last"] for told in record(train, every=50).events("twin")] == [99, 119]


@pytest.mark.parametrize("is_copy", [True, False])
def test_a_model_that_comes_late_is_told_with_what_it_was_copied_from(*, is_copy: bool) -> None:
    """A reference of a second training: a copy of what the first one has learned, or a net of its own."""

    def train() -> nn.Module:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        reference = None
        for step in range(60):
            if step == 30:
                reference = copy.deepcopy(model) if is_copy else nn.Linear(4, 2)
            x = torch.randn(8, 4)
            with torch.no_grad():
                wanted = torch.zeros(8, 2) if reference is None else reference(x)
            F.mse_loss(model(x), wanted).backward()
            optimizer.step()
        return reference

    (told,) = record(train).events("twin")
    assert (told["first"], told["looked"], told["then"]) == (30, 0, [0] if is_copy else [])


def test_a_model_that_is_trained_is_no_twin() -> None:
    """Nothing is told of a training without one."""

    def train() -> nn.Module:
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(STEPS):
            model(torch.randn(8, 4)).pow(2).mean().backward()
            optimizer.step()
        return model

    assert record(train).events("twin") == []
