"""A probe dropped beside the others as one file: it is found, told what happens, and its number can be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from recordkit import record

from trainadvisor.record import probes
from trainadvisor.record.probe_discovery import probe_classes

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = '''"""Probe: the largest weight of a step."""

from trainadvisor.record.context import Context, probe
from trainadvisor.record.step import Step


@probe()
class LargestWeightProbe:
    """Takes the largest weight when a step closes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def on_close(self, step: Step) -> None:
        """Read it."""
        for model in step.models:
            largest = max(float(p.detach().abs().max()) for p in model.parameters)
            step.fields["largest_weight"] = largest
'''


def _train(largest: list[float]) -> torch.nn.Module:
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.ones(2, 3)).square().mean().backward()
        optimizer.step()
        largest.append(max(float(p.detach().abs().max()) for p in model.parameters()))
    return model


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with one more probe."""
    (tmp_path / "largest_weight.py").write_text(LARGEST, encoding="utf-8")
    monkeypatch.setattr(probes, "__path__", [*probes.__path__, str(tmp_path)])


def test_without_the_file_there_is_no_such_probe() -> None:
    """The file makes the difference."""
    assert "LargestWeightProbe" not in [kind.__name__ for kind in probe_classes()]


@pytest.mark.usefixtures("dropped")
def test_a_probe_of_one_file_is_told_last_and_recorded() -> None:
    """Its field stands in every step, and equals what the script computes."""
    names = [kind.__name__ for kind in probe_classes()]
    assert names.index("LargestWeightProbe") > names.index("UnrecordableProbe")
    expected: list[float] = []
    records = record(lambda: _train(expected))
    assert records.column("largest_weight") == pytest.approx(expected)


def test_of_two_probes_the_one_of_lower_order_is_told_first() -> None:
    """Timing stands before what reads its numbers."""
    names = [kind.__name__ for kind in probe_classes()]
    assert names.index("TimingProbe") < names.index("TrainingLossProbe") < names.index("UnrecordableProbe")
