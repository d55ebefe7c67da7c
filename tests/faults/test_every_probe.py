"""Whatever function of whatever probe raises, the training is bit for bit what it would be without us."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, make_recorder
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor.record import probes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

STEPS = 4


def functions() -> Iterator[tuple[Any, str]]:
    """Yield owner and name of each function and method that is defined in a module of probes."""
    for found in pkgutil.iter_modules(probes.__path__):
        module = importlib.import_module(f"{probes.__name__}.{found.name}")
        for name, thing in vars(module).items():
            if inspect.isfunction(thing) and thing.__module__ == module.__name__:
                yield module, name
            elif inspect.isclass(thing) and thing.__module__ == module.__name__:
                yield from ((thing, method) for method, body in vars(thing).items() if _is_plain(method, body))


def _is_plain(name: str, body: object) -> bool:
    return inspect.isfunction(body) and not (name.startswith("__") and name.endswith("__"))


def train() -> tuple[list[float], list[torch.Tensor]]:
    """Train a network with most of what probes look at: batch norm, dropout, clipping, a schedule, validation."""
    torch.manual_seed(1)
    x = torch.randn(32, 4)
    data = DataLoader(TensorDataset(x, x[:, :3].argmax(1)), 16, shuffle=True)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
    losses = []
    for _ in range(STEPS // 2):
        for inputs, labels in data:
            optimizer.zero_grad()
            loss = F.cross_entropy(model.train()(inputs), labels)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        with torch.no_grad():
            losses.append(F.cross_entropy(model.eval()(x), x[:, :3].argmax(1)).item())
    return losses, [parameter.detach().clone() for parameter in model.parameters()]


@pytest.fixture(scope="module")
def plain() -> tuple[list[float], list[torch.Tensor]]:
    """The training without a recorder."""
    torch.set_num_threads(1)
    return train()


@pytest.fixture(scope="module")
def reached() -> set[CodeType]:
    """The code that runs while the training is recorded."""
    torch.set_num_threads(1)
    found: set[CodeType] = set()
    recorder = make_recorder(Records())
    sys.setprofile(lambda frame, *_: found.add(frame.f_code))
    try:
        recorder.start()
        train()
        recorder.stop("finished")
    finally:
        sys.setprofile(None)
    return found


def _is_reached(target: tuple[Any, str], reached: set[CodeType]) -> bool:
    owner, name = target
    return vars(owner)[name].__code__ in reached


@pytest.mark.parametrize(
    "target", list(functions()), ids=lambda target: f"{target[0].__name__.rpartition('.')[2]}.{target[1]}"
)
def test_a_function_that_raises_changes_no_bit(
    target: tuple[Any, str],
    reached: set[CodeType],
    plain: tuple[list[float], list[torch.Tensor]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told once a probe, by its name if it is a handler, and every step is in the log."""
    if not _is_reached(target, reached):
        pytest.skip("nothing in the training calls it")
    owner, name = target
    called: list[None] = []

    def fail(*_: object, **__: object) -> Any:
        called.append(None)
        message = "sabotage"
        raise ArithmeticError(message)

    monkeypatch.setattr(owner, name, fail)
    records = Records()
    try:
        recorder = make_recorder(records)
    except ArithmeticError:
        return  # it does not even begin: told before anything is trained
    recorder.start()
    try:
        losses, weights = train()
    finally:
        recorder.stop("finished")
    assert losses == plain[0]
    assert all(torch.equal(one, other) for one, other in zip(weights, plain[1], strict=True))
    told = [failure["probe"] for failure in records.failures if "sabotage" in failure["error"]]
    assert len(told) == len(set(told))
    assert bool(told) == bool(called)
    if name.startswith("on_"):
        assert {probe for probe in told if probe != "recorder"} <= {f"{owner.__name__}.{name}"}
    assert records.column("step") == list(range(STEPS))
    assert records[-1]["record"] == "end"


def test_the_training_reaches_most_of_them(reached: set[CodeType]) -> None:
    """Otherwise the test above would say little."""
    everything = list(functions())
    assert len(everything) > 150
    assert sum(_is_reached(target, reached) for target in everything) > len(everything) / 2
