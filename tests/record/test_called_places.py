"""The lines that call layers and functions of a model are told once, and a finding about a layer shows its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from builders import event, log_of, make_model, site
from recordkit import record
from torch import nn

from trainadvisor.judge.object_sites import broken_layers, call_site

if TYPE_CHECKING:
    from pathlib import Path


class Net(nn.Module):
    """Calls a layer twice, and functions between its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Call one layer twice."""
        x = torch.relu(self.first(x))
        x = F.dropout(self.first(x).view(-1, 4), 0.5, self.training)
        return self.second(x)


def test_each_name_is_told_with_its_first_line() -> None:
    """A layer that is called again keeps the first one, and later tables tell the same."""

    def train() -> nn.Module:
        model = Net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.randn(8, 4)).mean().backward()
            optimizer.step()
        return model

    tables = record(train).events("table")
    calls = [call for table in tables for call in table["calls"]]
    assert [(call["site"]["code"], call["names"]) for call in calls] == [
        ("x = torch.relu(self.first(x))", ["first", "first.relu"]),
        ("x = F.dropout(self.first(x).view(-1, 4), 0.5, self.training)", ["first.view", "first.dropout"]),
        ("return self.second(x)", ["second"]),
    ]
    assert {call["site"]["file"].rpartition("/")[2] for call in calls} == {"test_called_places.py"}


def test_a_finding_about_a_layer_finds_its_line(tmp_path: Path) -> None:
    """By its own name or that of one of its parameters; without a name the first layer that was not finite."""
    rows = [{"name": name, "kind": "linear", "layer": name, "units": 2} for name in ("first", "second")]
    calls = [{"site": site("x = self.first(x)", 7), "names": ["first"]}, {"site": None, "names": ["second"]}]
    table = event("table", {"id": 0, "model": 0, "rows": rows, "calls": calls})
    layers = [{"table": 0, "act_nonfinite": counts} for counts in ([0.0, 0.0], [0.0, 0.5])]
    log = log_of(tmp_path, steps=2, models=[make_model(("first", "Linear"))], events=[table], layers=layers)
    assert [call_site(log, name) for name in ("first", "first.weight", "second", "")] == [
        site("x = self.first(x)", 7), site("x = self.first(x)", 7), None, None,
    ]  # fmt: skip
    assert broken_layers(log) == ["second"]
    assert broken_layers(log_of(tmp_path, steps=2)) == []
