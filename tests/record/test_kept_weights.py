"""State dicts that were kept and used when the training had changed them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEPT_AT, STEPS = 3, 6


def _told(keep: Callable[[nn.Module], Any], use: Callable[[nn.Module, Any], object]) -> list[dict[str, Any]]:
    """Keep something of a model after some steps, and use it at the end."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        optimizer = torch.optim.Adam(model.parameters())
        kept = None
        for step in range(STEPS):
            if step == KEPT_AT:
                kept = keep(model)
            optimizer.zero_grad()
            F.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 2)).backward()
            optimizer.step()
        use(model, kept)
        return model

    return record(train).events("kept-weights")


def _back(model: nn.Module, kept: Any) -> None:
    model.load_state_dict(kept)


@pytest.mark.parametrize("keep", [nn.Module.state_dict, lambda m: dict(m.state_dict())], ids=["as it is", "shallow"])
def test_a_state_dict_without_a_copy_is_given_back(keep: Callable[[nn.Module], Any]) -> None:
    """The event tells when it was taken and where, and when it was used."""
    (told,) = _told(keep, _back)
    assert (told["use"], told["taken"], told["used"]) == ("load", KEPT_AT, STEPS)
    assert told["site"] is not None


def test_a_state_dict_without_a_copy_is_saved_later(tmp_path: Path) -> None:
    """Alone, or inside a dictionary with other things."""
    (told,) = _told(nn.Module.state_dict, lambda _, kept: torch.save({"epoch": 1, "model": kept}, tmp_path / "m.pt"))
    assert (told["use"], told["taken"], told["used"]) == ("save", KEPT_AT, STEPS)


@pytest.mark.parametrize(
    "keep",
    [
        lambda m: copy.deepcopy(m.state_dict()),
        lambda m: {name: value.clone() for name, value in m.state_dict().items()},
    ],
    ids=["deepcopy", "clone"],
)
def test_a_copy_is_what_it_was(keep: Callable[[nn.Module], Any]) -> None:
    """Nothing is told of copies."""
    assert _told(keep, _back) == []


def test_what_is_taken_and_used_at_once_is_no_fault(tmp_path: Path) -> None:
    """Saving the state of now, giving it back, and loading it into another model."""

    def use(model: nn.Module, _: object) -> None:
        torch.save(model.state_dict(), tmp_path / "m.pt")
        model.load_state_dict(model.state_dict())
        copy.deepcopy(model).load_state_dict(model.state_dict())

    assert _told(lambda _: None, use) == []


def test_a_live_state_that_feeds_another_model_is_no_fault() -> None:
    """A dictionary taken once may serve to bring a second network up to date."""
    assert _told(nn.Module.state_dict, lambda model, kept: copy.deepcopy(model).load_state_dict(kept)) == []
