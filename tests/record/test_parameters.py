"""Parameters that are not there yet, that are empty, or that come later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable


def trained(make: Callable[[], nn.Module], steps: int = 4) -> Records:
    """Train a classifier of four inputs."""

    def train() -> nn.Module:
        model = make()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 4)), torch.arange(8) % 3).backward()
            optimizer.step()
        return model

    return record(train)


def test_a_lazy_model_is_described_with_the_shapes_that_its_first_call_gives_it() -> None:
    """Before that it has none; its numbers stay the same."""
    records = trained(lambda: nn.Sequential(nn.LazyLinear(5), nn.Tanh(), nn.LazyLinear(3)))
    shapes = {name: fact["shape"] for name, fact in records.named().items()}
    assert shapes == {"0.weight": [5, 4], "0.bias": [5], "2.weight": [3, 5], "2.bias": [3]}
    assert [len(column) for column in records.layer("grad")] == [4] * 4
    assert all(math.isfinite(norm) for column in records.layer("grad") for norm in column)
    assert records.facts("optimizer")[0]["unknown_parameters"] == 0


class WithEmpty(nn.Module):
    """A layer beside a parameter without elements, and one that nothing uses."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.empty = nn.Parameter(torch.empty(0, 3))
        self.unused = nn.Parameter(torch.ones(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Use both."""
        return self.layer(x) + self.empty.sum(0)


def test_what_has_no_elements_and_what_nothing_uses_have_no_gradient_norm() -> None:
    """The others have theirs, and the total is theirs alone."""
    records = trained(WithEmpty)
    names = [fact["name"] for fact in records.facts("model")[0]["parameters"]]
    for step, column in zip(records.of("step"), records.layer("grad"), strict=True):
        norms = dict(zip(names, column, strict=True))
        assert {name for name, norm in norms.items() if norm is None} == {"empty", "unused"}
        assert step["grad_norm"] == pytest.approx(math.hypot(norms["layer.weight"], norms["layer.bias"]))


def test_groups_added_later_are_described_with_the_optimizer() -> None:
    """A head that is thawed during the training."""

    def train() -> nn.Module:
        model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
        optimizer = torch.optim.SGD(model[2].parameters(), 0.1)
        for step in range(6):
            if step == 3:
                optimizer.add_param_group({"params": list(model[0].parameters()), "lr": 0.01})
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 4)), torch.arange(8) % 3).backward()
            optimizer.step()
        return model

    records = record(train)
    numbers = {name: fact["id"] for name, fact in records.named().items()}
    groups = [group["parameters"] for group in records.facts("optimizer")[0]["groups"]]
    assert groups == [[numbers["2.weight"], numbers["2.bias"]], [numbers["0.weight"], numbers["0.bias"]]]
    assert records.column("lr") == [[0.1]] * 3 + [[0.1, 0.01]] * 3


def test_models_that_one_optimizer_trains_are_one() -> None:
    """An encoder and a decoder, called one after the other; an optimizer each leaves them two."""

    def train(*, together: bool) -> Records:
        def body() -> list[nn.Module]:
            encoder, decoder = nn.Linear(4, 5), nn.Linear(5, 3)
            parts = [list(encoder.parameters()), list(decoder.parameters())]
            held = [[*parts[0], *parts[1]]] if together else parts
            optimizers = [torch.optim.SGD(part, 0.1) for part in held]
            for _ in range(4):
                for optimizer in optimizers:
                    optimizer.zero_grad()
                F.cross_entropy(decoder(encoder(torch.randn(8, 4))), torch.arange(8) % 3).backward()
                for optimizer in optimizers:
                    optimizer.step()
            return [encoder, decoder]

        return record(body)

    one, two = train(together=True), train(together=False)
    assert [len(row["grad"]) for row in one.of("layers") if "grad" in row][-1] == 4
    assert [len(row["grad"]) for row in two.of("layers") if "grad" in row][-2:] == [2, 2]


def test_what_computes_the_weights_of_a_layer_is_no_layer() -> None:
    """With weight norm the layers are those of the plain model."""
    norm = nn.utils.parametrizations.weight_norm
    records = trained(lambda: nn.Sequential(norm(nn.Linear(4, 5)), nn.Tanh(), nn.Linear(5, 3)))
    assert [layer["name"] for layer in records.facts("model")[0]["layers"]] == ["0", "1", "2"]
