"""`trainadvisor preflight`: what it refuses, and one script from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Outcome

TRAIN = """
import sys
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x = torch.randn(256, 8)
loader = DataLoader(TensorDataset(x, x[:, :1] + x[:, 1:2]), batch_size=16, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(20):
    for inputs, targets in loader:
        prediction = model(inputs)
        optimizer.zero_grad()
        nn.functional.mse_loss(prediction, targets[:, 0] if "--broadcast" in sys.argv else targets).backward()
        optimizer.step()
    open("checkpoint.txt", "w").close()
"""


@pytest.fixture
def script(folder: Path) -> Path:
    """Write a script into the working folder."""
    path = folder / "train.py"
    path.write_text(TRAIN, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["missing.py"], "missing.py: there is no such script"),
        (["--budget", "soon", "train.py"], "--budget soon"),
        (["--format", "jsn", "train.py"], "did you mean"),
        (["--html", "page.txt", "train.py"], "ends in .html"),
        (["--steps", "1", "train.py"], "--steps"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    call: Callable[..., Outcome], script: Path, args: list[str], told: str
) -> None:
    """One line, exit 2."""
    assert script.exists()
    outcome = call("preflight", *args)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_a_sound_script_passes_and_leaves_nothing(call: Callable[..., Outcome], script: Path) -> None:
    """Experiments included; what the script writes stays in the scratch copies."""
    outcome = call("preflight", "--budget", "300s", "--format", "json", "--html", "page.html", script.name)
    checks = {check["name"]: check["state"] for check in outcome.json["checks"]}
    assert (outcome.code, outcome.json["outcome"]) == (0, "pass")
    assert {name for name, state in checks.items() if state != "passed"} == {"causality", "order-used"}  # no sequence
    assert outcome.json["learning_rate"]["suggestion"] > 0
    assert sorted(path.name for path in script.parent.iterdir()) == ["page.html", "train.py"]
    assert "chart-range-test" in (script.parent / "page.html").read_text(encoding="utf-8")


def test_the_level_that_fails_comes_from_the_project(call: Callable[..., Outcome], script: Path) -> None:
    """The option wins over pyproject.toml; what is wrong there is told before anything runs."""
    (script.parent / "pyproject.toml").write_text('[tool.trainadvisor]\nfail-on = "sometimes"\n', encoding="utf-8")
    outcome = call("preflight", script.name)
    assert (outcome.code, "fail-on" in outcome.err) == (2, True)


def test_a_broken_script_fails(call: Callable[..., Outcome], script: Path) -> None:
    """Its arguments reach it; the finding names the line."""
    outcome = call("preflight", "--budget", "300s", "--format", "json=out.json", script.name, "--broadcast")
    document = json.loads((script.parent / "out.json").read_text(encoding="utf-8"))
    assert outcome.code == 1
    assert document["argv"] == ["--broadcast"]
    assert [check["findings"] for check in document["checks"] if check["name"] == "wiring"] == [
        ["loss-shape-broadcast"]
    ]
