"""What load_state_dict() copies into a module, and what it leaves aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from recordkit import record
from torch import nn
from torch.nn import functional as F

from trainadvisor.record.objects.loaded_keys import loaded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

State = dict[str, torch.Tensor]


class _Net(nn.Module):
    def __init__(self, classes: int = 3, hidden: int = 8) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, hidden), nn.Tanh())
        self.head = nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def _told(load: Callable[[nn.Module], object]) -> list[dict[str, object]]:
    def train() -> nn.Module:
        model = _Net()
        load(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
            optimizer.step()
        return model

    return record(train).events("state-load")


def test_a_prefix_on_every_name_leaves_the_model_as_it_was() -> None:
    """Nothing is copied, all of it is in the checkpoint under longer names, and the prefix is told."""
    state = {f"module.{name}": value for name, value in _Net().state_dict().items()}
    (told,) = _told(lambda model: model.load_state_dict(state, strict=False))
    assert (told["copied_share"], told["used_share"], told["lost_share"], told["strip"]) == (0.0, 0.0, 1.0, "module.")
    assert (told["keys"], told["offered"], told["missing"][0]) == (4, 4, "body.0.weight")
    assert "load_state_dict" in told["site"]["code"]


def test_names_that_lack_a_prefix() -> None:
    """The state of a part is loaded into the whole: 40 of 67 numbers have their counterpart."""
    fact = loaded(_Net(), _Net().body.state_dict(), {}, assigned=False)
    assert (fact["copied"], fact["add"], fact["strip"]) == (0, "body.", "")
    assert fact["lost_share"] == pytest.approx(40 / 67)


def test_a_dictionary_filtered_by_hand_is_compared_with_its_file(tmp_path: Path) -> None:
    """The shapes of all but a bias differ, and the model's own tensors in the dictionary are no copies."""
    torch.save(_Net(hidden=16).state_dict(), tmp_path / "p.pt")

    def load(model: nn.Module) -> None:
        own, state = model.state_dict(), torch.load(tmp_path / "p.pt")
        own.update({name: value for name, value in state.items() if value.shape == own[name].shape})
        model.load_state_dict(own)

    (told,) = _told(load)
    assert (told["copied"], told["shared"], told["reshaped"]) == (1, 3, 3)
    assert told["copied_share"] == pytest.approx(3 / 67)
    assert told["lost_share"] == pytest.approx(64 / 67)
    assert told["used_share"] == 1.0


def test_a_file_of_another_model_is_not_asked(tmp_path: Path) -> None:
    """A bias given by hand does not come from the file that was read last."""
    torch.save(_Net(hidden=16).state_dict(), tmp_path / "p.pt")

    def load(model: nn.Module) -> None:
        torch.load(tmp_path / "p.pt")
        model.load_state_dict({"head.bias": torch.zeros(3)}, strict=False)

    (told,) = _told(load)
    assert (told["lost_share"], told["used_share"]) == (0.0, 1.0)


def test_a_new_head_leaves_most_of_the_model_copied() -> None:
    """40 of 67 numbers were replaced, and all that was given was used."""
    state = {name: value for name, value in _Net(5).state_dict().items() if name.startswith("body")}
    (told,) = _told(lambda model: model.load_state_dict(state, strict=False))
    assert told["copied_share"] == pytest.approx(40 / 67)
    assert (told["used_share"], told["lost_share"]) == (1.0, 0.0)


def test_a_load_that_fits_is_told_only_after_one_that_did_not() -> None:
    """The last load into a module counts."""
    state = _Net().state_dict()
    assert _told(lambda model: model.load_state_dict(state)) == []

    def twice(model: nn.Module) -> None:
        model.load_state_dict({}, strict=False)
        model.load_state_dict(state)

    first, second = _told(twice)
    assert first["into"] == second["into"]
    assert (first["copied_share"], second["copied_share"]) == (0.0, 1.0)


def test_assigned_tensors_are_copied_though_they_are_shared() -> None:
    """With assign=True the module holds the very tensors that it was given."""
    model = _Net()
    state = dict(_Net().state_dict())
    state.pop("head.bias")
    model.load_state_dict(state, strict=False, assign=True)
    assert loaded(model, state, {}, assigned=True)["copied"] == 3
