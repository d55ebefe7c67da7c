"""A recorded training is bit for bit the training that it would be without."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

from trainadvisor import watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STEPS = 6


class Classifier(nn.Module):
    """A network with batch norm and dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout2d(0.2)
        )
        self.head = nn.Linear(4 * 9, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x.view(-1, 1, 8, 8)).flatten(1))


class Transformer(nn.Module):
    """A small transformer over the rows of the input."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
        self.head = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x.view(-1, 8, 8)).mean(1))


class Checkpointed(nn.Module):
    """A network that recomputes its blocks in backward."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.reentrant = reentrant
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 5)
        self.block = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(checkpoint(self.block, self.first(x), use_reentrant=self.reentrant))


class FrozenBackbone(nn.Module):
    """A frozen transformer in eval mode, for which torch has a faster kernel, under a trained head."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Transformer()
        for parameter in self.model.body.parameters():
            parameter.requires_grad = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.model.body.eval()
        return self.model(x)


def _mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 5))


def _loader() -> DataLoader[Any]:
    x = torch.randn(48, 64)
    return DataLoader(TensorDataset(x, x[:, :5].argmax(1)), 8, shuffle=True)


def _plain(model: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    for x, y in _loader():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())


def _accumulating(model: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    for index, (x, y) in enumerate(_loader()):
        loss = F.cross_entropy(model(x), y) / 3
        loss.backward()
        if index % 3 == 2:
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())


def _mixed(model: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    for x, y in _loader():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())


def _validating(model: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    _plain(model, optimizer, losses)
    model.eval()
    with torch.no_grad():
        losses += [F.cross_entropy(model(x), y).item() for x, y in _loader()]
    model.train()
    _plain(model, optimizer, losses)


def _closures(model: nn.Module, optimizer: torch.optim.Optimizer, losses: list[float]) -> None:
    for x, y in _loader():

        def closure(x: torch.Tensor = x, y: torch.Tensor = y) -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            losses.append(loss.item())
            return loss

        optimizer.step(closure)


def _sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([p for p in model.parameters() if p.requires_grad], 0.1, momentum=0.9)


def _adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), 1e-2)


def _lbfgs(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4)


CASES = {
    "mlp": (_mlp, _sgd, _plain),
    "cnn": (Classifier, _adam, _validating),
    "transformer": (Transformer, _adam, _validating),
    "lbfgs": (_mlp, _lbfgs, _closures),
    "accumulation": (Classifier, _sgd, _accumulating),
    "autocast": (Transformer, _adam, _mixed),
    "checkpoint": (lambda: Checkpointed(reentrant=False), _sgd, _plain),
    "checkpoint-reentrant": (lambda: Checkpointed(reentrant=True), _sgd, _plain),
    "frozen-transformer": (FrozenBackbone, _sgd, _plain),
}


def _run(case: str, around: Callable[[Callable[[], None], nn.Module, torch.optim.Optimizer], object]) -> dict[str, Any]:
    """Train from a fixed state; return everything that could differ."""
    torch.manual_seed(7)
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002 - the global state is what must not change
    make_model, make_optimizer, train = CASES[case]
    model = make_model()
    optimizer = make_optimizer(model)
    losses: list[float] = []
    around(lambda: train(model, optimizer, losses), model, optimizer)
    return {
        "weights": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "losses": losses,
        "random": (torch.get_rng_state(), random.getstate(), np.random.get_state()),  # noqa: NPY002
    }


def _assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["losses"] == other["losses"]
    assert one["weights"].keys() == other["weights"].keys()
    for name, tensor in one["weights"].items():
        assert torch.equal(tensor, other["weights"][name]), name
    assert torch.equal(one["random"][0], other["random"][0])
    assert one["random"][1] == other["random"][1]
    assert np.array_equal(one["random"][2][1], other["random"][2][1])
    assert one["random"][2][2:] == other["random"][2][2:]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_discovering_changes_no_bit(case: str) -> None:
    """Weights, losses and random states are those of the plain training when everything is sampled."""
    plain = _run(case, lambda train, *_: train())
    recorded = _run(case, lambda train, *_: record(train))
    _assert_same(plain, recorded)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", ["mlp", "cnn", "transformer"])
def test_watching_changes_no_bit(case: str, tmp_path: Path) -> None:
    """The same under `watch`, with its log."""

    def watched(train: Callable[[], None], model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        with watch(model, optimizer, log=tmp_path / "log.json", every=1):
            train()

    _assert_same(_run(case, lambda train, *_: train()), _run(case, watched))
