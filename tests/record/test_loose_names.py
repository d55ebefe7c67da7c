"""What the script calls a tensor that belongs to no layer."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from trainadvisor.record.objects.loose_names import NAMED, LooseNames, name_of
from trainadvisor.record.objects.registry import ObjectRegistry


class Net(nn.Module):
    """Keeps layers and a tensor where parameters() does not see them."""

    def __init__(self) -> None:
        """Keep them."""
        super().__init__()
        self.blocks = [nn.Linear(2, 2), nn.Linear(2, 2)]
        self.heads = {"a": nn.Linear(2, 1)}
        self.scale = torch.ones(2, requires_grad=True)


NET = Net()


@pytest.mark.parametrize(
    ("tensor", "name"),
    [
        (NET.blocks[1].weight, "self.blocks[1].weight"),
        (NET.heads["a"].bias, "self.heads['a'].bias"),
        (NET.scale, "self.scale"),
        (torch.ones(2), None),
    ],
)
def test_a_tensor_is_called_by_where_a_module_keeps_it(tensor: torch.Tensor, name: str | None) -> None:
    """In a list, in a dictionary, or by itself."""
    assert name_of(tensor, [nn.Sequential(NET)]) == name


def test_a_tensor_of_the_script_is_called_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no module keeps it."""
    weights = torch.ones(2)
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(W=weights, parts=[torch.ones(1), torch.ones(2)]))
    main = sys.modules["__main__"]
    assert name_of(weights, []) == "W"
    assert name_of(main.parts[1], []) == "parts[1]"


def test_a_look_never_raises() -> None:
    """An attribute of the script may be anything."""
    odd = nn.Module()
    odd.__dict__["kept"] = [object(), None, {1: 2}]
    assert name_of(torch.ones(1), [odd]) is None


def test_the_names_of_the_first_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look goes through all variables, and no report names more."""
    tensors = [torch.ones(1) for _ in range(NAMED + 1)]
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(W=tensors))
    names = LooseNames()
    told = [names.give(tensor, []) for tensor in tensors]
    assert told == [*(f"W[{place}]" for place in range(NAMED)), "tensor of shape (1,)"]


def test_tensors_without_a_name_are_told_by_their_shapes() -> None:
    """And apart where these are alike."""
    registry = ObjectRegistry(lambda *_: None)
    for tensor in (torch.ones(2), torch.ones(2), torch.ones(3)):
        registry.add_loose(tensor)
    assert registry.loose is not None
    told = [fact["name"] for fact in registry.loose.fact["parameters"]]
    assert told == ["tensor of shape (2,)", "tensor of shape (2,) no. 2", "tensor of shape (3,)"]
