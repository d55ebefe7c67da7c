"""After a backward that raised, nothing of ours holds its graph: who lacked memory trains on with a smaller batch."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import trainadvisor
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.log.reader import read_log


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    """Let nothing be freed by chance."""
    gc.disable()
    yield
    gc.enable()


class NoMemoryError(RuntimeError):
    """What a device raises that is full."""


def step(model: nn.Module, optimizer: torch.optim.Optimizer, *, fails: bool = False) -> weakref.ref[torch.Tensor]:
    """Train a step, whose backward may raise; return what knows whether the loss still is there."""
    inputs = torch.randn(8, 4)
    optimizer.zero_grad()
    scores = model(inputs)
    if fails:
        scores.register_hook(_raise)
    loss = nn.functional.cross_entropy(scores, inputs[:, :3].argmax(1))
    loss.backward()
    optimizer.step()
    return weakref.ref(loss)


def _raise(_: torch.Tensor) -> None:
    raise NoMemoryError


def failed(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Let a backward fail; return the tensors with a graph that are left."""
    before = {id(thing) for thing in gc.get_objects()}
    try:
        step(model, optimizer, fails=True)
    except NoMemoryError:
        pass
    else:
        pytest.fail("nothing was raised")
    tensors = [thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor) and id(thing) not in before]
    return [tensor for tensor in tensors if tensor.grad_fn is not None]


def test_the_graph_of_a_failed_backward_is_free(tmp_path: Path) -> None:
    """In the first steps, in sampled and plain ones, and where each step is expected to be like the one before."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    ways = set()
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        for number in range(1000):
            assert step(model, optimizer)() is None
            way = (slot.now is not None, slot.plan is not None)
            if number < 3 or way not in ways:
                ways.add(way)
                assert failed(model, optimizer) == []
            if len(ways) == 3:
                break
    assert ways == {(False, False), (True, False), (True, True)}


def test_parameters_change_places_after_a_failed_backward(tmp_path: Path) -> None:
    """As torch does when they are converted, which it refuses while a graph uses them."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
            step(model, optimizer)
            failed(model, optimizer)
            optimizer.zero_grad()
            model.double()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)
    assert model[0].weight.dtype == torch.float64


def test_a_failed_backward_is_no_step(tmp_path: Path) -> None:
    """What the optimizer changed before it is no sign of one."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with trainadvisor.watch(model, optimizer, log=tmp_path / "log.json"):
        for number in range(30):
            if number in (1, 12, 25):
                with pytest.raises(NoMemoryError):
                    step(model, optimizer, fails=True)
            step(model, optimizer)
    assert read_log(tmp_path / "log.json").all_steps_count == 30
