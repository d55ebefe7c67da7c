"""Steps near the end of a shortened run that nobody records: timed, and the same training."""

from pathlib import Path
from typing import Any

from trialkit import Outcome, by_hand, change, same, trial

SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(160, 4), torch.randint(0, 3, (160,))), batch_size=8, shuffle=True)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(3):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
"""
ANOTHER = "other = torch.optim.SGD(model.parameters(), lr=0.0)\nfor epoch"


def timed(outcome: Outcome) -> list[list[float]]:
    """Return what was timed."""
    return [r["detail"]["seconds"] for r in outcome.records if r.get("kind") == "unrecorded-steps"]


def steps(outcome: Outcome) -> list[Any]:
    """Return the numbers of the recorded steps."""
    return [r["step"] for r in outcome.records if r["record"] == "step"]


def test_the_training_goes_on_and_is_recorded_again(tmp_path: Path) -> None:
    """With the weights of the plain script; twenty of its sixty steps are timed and in no record."""
    outcome = trial(SCRIPT, tmp_path, change("unrecorded-steps", after=30, count=20))
    assert same(outcome, by_hand(SCRIPT))
    assert outcome.failures == []
    (gaps,) = timed(outcome)
    assert len(gaps) == 20
    assert all(gap > 0 for gap in gaps)
    assert steps(outcome) == list(range(len(steps(outcome))))
    assert 36 <= len(steps(outcome)) <= 40


def test_it_counts_recorded_steps_only(tmp_path: Path) -> None:
    """A run that is to end after some of them ends there."""
    outcome = trial(SCRIPT, tmp_path, change("unrecorded-steps", after=15, count=20), stop_after_steps=25)
    assert len(steps(outcome)) == 25
    assert len(timed(outcome)) == 1


def test_a_script_that_ends_meanwhile(tmp_path: Path) -> None:
    """What was timed until then is told."""
    outcome = trial(SCRIPT, tmp_path, change("unrecorded-steps", after=50, count=20))
    assert outcome.code == 0
    (gaps,) = timed(outcome)
    assert 6 <= len(gaps) < 20


def test_a_second_optimizer(tmp_path: Path) -> None:
    """The steps of several are not told apart from outside: all are recorded."""
    source = SCRIPT.replace("for epoch", ANOTHER).replace("optimizer.step()", "optimizer.step(); other.step()")
    outcome = trial(source, tmp_path, change("unrecorded-steps", after=30, count=20))
    assert (timed(outcome), len(steps(outcome))) == ([], 60)
    assert outcome.changes[0]["applied"] is False
