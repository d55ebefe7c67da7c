"""What recording must not take from a model: its depth of calls, and the ways torch exchanges its parameters."""

import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn

import trainadvisor


class Nest(nn.Module):
    """A module in a module in a module."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.inner = Nest(depth - 1) if depth else nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x)


@pytest.fixture
def room() -> Iterator[None]:
    """Give back the limit of recursion; what other tests left is not collected where there is hardly any room."""
    limit = sys.getrecursionlimit()
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    sys.setrecursionlimit(limit)


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int = 12) -> None:
    """Train on constant inputs."""
    for _ in range(count):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).pow(2).mean().backward()
        optimizer.step()


def fits(model: nn.Module, spare: int) -> bool:
    """Return whether a forward ends within so many frames more than are in use."""
    depth, frame = 0, sys._getframe()
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + spare)
    try:
        model(torch.ones(2, 4))
    except RecursionError:
        return False
    finally:
        sys.setrecursionlimit(10_000)
    return True


@pytest.mark.usefixtures("room")
def test_nested_calls_come_as_deep_as_without_us(tmp_path: Path) -> None:
    """A few frames in all, none a call, sampled steps included."""
    sys.setrecursionlimit(10_000)
    model = Nest(100)
    needed = next(spare for spare in range(250, 500, 5) if fits(model, spare))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    advisor = trainadvisor.watch(model, optimizer, log=tmp_path / "log.json")
    try:
        for _ in range(3):
            optimizer.zero_grad()
            assert fits(model, needed + 40)
            model(torch.ones(2, 4)).pow(2).mean().backward()
            optimizer.step()
    finally:
        advisor.close()


def test_a_deep_model_is_looked_at_where_there_is_room(tmp_path: Path) -> None:
    """The layers of a model that is nested twenty times are sampled."""
    model = Nest(20)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        steps(model, optimizer)
    assert '"act_mean"' in (tmp_path / "log.json").read_text()


def whole(model: nn.Module) -> None:
    """Convert the whole model."""
    model.double()


def one(model: nn.Module) -> None:
    """Exchange one parameter by hand."""
    torch.utils.swap_tensors(model[0].weight, nn.Parameter(torch.zeros_like(model[0].weight)))


@pytest.mark.parametrize("convert", [whole, one])
def test_parameters_can_be_swapped(tmp_path: Path, convert: Callable[[Any], None]) -> None:
    """Neither weak references of ours nor counted ones are in the way."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
            steps(model, optimizer)
            optimizer.zero_grad()
            assert [weakref.getweakrefcount(p) for p in model.parameters()] == [0] * 4
            convert(model)
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)


def test_dropped_parameters_are_let_go_at_once() -> None:
    """With the model, and where the optimizer outlives it, with the optimizer: not only at the next step."""
    found: list[list[bool]] = []

    def train() -> None:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        steps(model, optimizer)
        alive = [weakref.ref(p) for p in model.parameters()]
        del model
        gc.collect()
        found.append([reference() is not None for reference in alive])
        del optimizer
        gc.collect()
        found.append([reference() is not None for reference in alive])

    record(train)
    assert found == [[True] * 4, [False] * 4]


def test_a_model_is_let_go_where_it_is_dropped_last() -> None:
    """The optimizer first, as a function returns."""
    found: list[bool] = []

    def train() -> None:
        model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        steps(model, optimizer)
        alive = [weakref.ref(p) for p in model.parameters()]
        del optimizer
        gc.collect()
        del model
        gc.collect()
        found.extend(reference() is not None for reference in alive)

    record(train)
    assert found == [False] * 4


def test_a_replaced_weight_is_let_go(tmp_path: Path) -> None:
    """Once the new one has been seen."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        steps(model, optimizer, 4)
        old = weakref.ref(model[0].weight)
        model[0].weight = nn.Parameter(torch.zeros(8, 4))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        steps(model, optimizer, 60)
        gc.collect()
        assert old() is None
