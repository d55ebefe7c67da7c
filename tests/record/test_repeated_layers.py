"""A layer that is called again and again in one forward is looked at ever more rarely."""

from __future__ import annotations

import pytest
import torch
from recordkit import record
from torch import nn


class Repeated(nn.Module):
    """A layer that is called a number of times, on inputs that grow."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(1, 1, bias=False), calls
        nn.init.ones_(self.layer.weight)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the sum of what the layer returns for the inputs times 1, 2, 3, ..."""
        return torch.stack([self.layer(call * inputs) for call in range(1, self.calls + 1)]).sum(0)


@pytest.mark.parametrize(("calls", "largest"), [(1, 1.0), (3, 3.0), (4, 4.0), (5, 4.0), (7, 4.0), (8, 8.0), (9, 8.0)])
def test_the_first_three_calls_and_then_those_of_a_power_of_two(calls: int, largest: float) -> None:
    """The largest output is that of the last call that was looked at."""

    def train() -> object:
        model = Repeated(calls)
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        model(torch.ones(4, 1)).sum().backward()
        optimizer.step()
        return model, optimizer

    records = record(train)
    (table,) = records.events("table")
    place = [row["name"] for row in table["rows"]].index("layer")
    assert records.layer("act_max")[0][place] == largest
