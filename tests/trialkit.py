"""Small scripts run as trials in this process, and by hand with the change written into them."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import torch

from trainadvisor.trials.changed_script import Spec, Trial

if TYPE_CHECKING:
    from pathlib import Path

CLASSIFIER = """
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(3)
x = torch.randn(48, 6) * 3 + 1
y = (x[:, 0] > x[:, 1]).long()
loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = SGD(model.parameters(), lr=0.1)
for epoch in range(2):
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
with torch.no_grad():
    scores = model(x)
"""

REGRESSION = """
import torch
import torch.nn.functional as F
from torch import nn
torch.manual_seed(4)
x = torch.randn(32, 5) * 2 + 7
y = x[:, :1] * 30 + 100
model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(6):
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
with torch.no_grad():
    scores = model(x)
"""


@dataclass
class Outcome:
    """What a script left behind: its names, and for a trial its log."""

    names: dict[str, Any]
    records: list[dict[str, Any]]
    code: int = 0

    @property
    def weights(self) -> list[torch.Tensor]:
        """Return the model's parameters, and the running statistics of its batch norms with parameters."""
        norms = [m for m in self.names["model"].modules() if isinstance(m, torch.nn.BatchNorm1d) and m.affine]
        statistics = [buffer for norm in norms for buffer in norm.buffers()]
        return [tensor.detach() for tensor in [*self.names["model"].parameters(), *statistics]]

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Return what the log says about each change."""
        return [r["detail"] for r in self.records if r["record"] == "event" and r["kind"] == "change"]

    @property
    def failures(self) -> list[dict[str, Any]]:
        """Return what went wrong in the recorder."""
        return [r["detail"] for r in self.records if r["record"] == "event" and r["kind"] == "probe-failed"]


def by_hand(source: str, *edits: tuple[str, str]) -> Outcome:
    """Run a script with some of its text exchanged, as its author would."""
    for old, new in edits:
        assert old in source, old
        source = source.replace(old, new)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(textwrap.dedent(source), "train.py", "exec"), names)  # noqa: S102 - scripts of these tests
    return Outcome(names, [])


def trial(source: str, folder: Path, *changes: dict[str, Any], **options: Any) -> Outcome:
    """Run a script as a trial with changes; what Python knows of the main module is put back."""
    (folder / "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
    log = folder / "log.json"
    run = Trial(Spec(str(folder / "train.py"), str(log), changes=list(changes), **options))
    kept = sys.argv, list(sys.path), sys.modules["__main__"]
    try:
        code = run.execute()
        names = vars(sys.modules["__main__"])
    finally:
        sys.argv, sys.path[:], sys.modules["__main__"] = kept
    return Outcome(names, orjson.loads(log.read_bytes()), code)


def change(word: str, **arguments: Any) -> dict[str, Any]:
    """Return a change as a SPEC.json has it."""
    return {"change": word, "arguments": arguments}


def same(one: Outcome, other: Outcome) -> bool:
    """Return whether two scripts ended with the same weights, bit for bit."""
    pairs = zip(one.weights, other.weights, strict=True)
    return all(torch.equal(a, b) for a, b in pairs)
