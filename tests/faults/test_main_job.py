"""The whole path on real digits: the hook, the log, the verdict, for three faults and their sound twins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import trainings
from torch import nn

import trainadvisor

if TYPE_CHECKING:
    from pathlib import Path

    from trainadvisor.judge.result import Diagnosis


def judged(log: Path, model: nn.Module, lr: float, lang: str = "en", **options: object) -> Diagnosis:
    """Train with SGD and momentum, and judge."""
    trainings.train(model, torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9), log, epochs=8, **options)
    return trainadvisor.diagnose(log, lang=lang)


def nested(diagnosis: Diagnosis) -> set[str]:
    """Return the codes below the first finding."""
    open_ = list(diagnosis.findings[0].explains)
    found = set()
    while open_:
        item = open_.pop()
        found.add(item.code)
        open_ += item.explains
    return found


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_six_sigmoid_layers_are_vanishing_gradients(tmp_path: Path) -> None:
    """Plain SGD at 0.01, as the textbook has it."""
    model = trainings.mlp(6, nn.Sigmoid)
    trainings.train(model, torch.optim.SGD(model.parameters(), lr=0.01), tmp_path / "log.json", epochs=8)
    assert trainadvisor.diagnose(tmp_path / "log.json").findings[0].code == "vanishing-gradients"


def test_a_rate_a_hundred_times_too_high_is_named_and_the_proposed_one_trains(tmp_path: Path) -> None:
    """With divergence nested, and a rate that brings the accuracy above 0.9."""
    broken = judged(tmp_path / "broken.json", trainings.mlp(2, nn.ReLU), 5.0)
    assert broken.findings[0].code == "lr-too-high"
    assert nested(broken) & {"divergence", "nan-loss"}
    proposed = broken.findings[0].remedies[0].arguments["value"]
    torch.manual_seed(0)
    model = trainings.mlp(2, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=proposed, momentum=0.9)
    assert trainings.train(model, optimizer, tmp_path / "mended.json", epochs=8).accuracy > 0.9


def test_a_missing_zero_grad_is_named_as_such(tmp_path: Path) -> None:
    """Above the exploding gradients and the divergence that follow from it."""
    broken = judged(tmp_path / "log.json", trainings.mlp(2, nn.ReLU), 0.05, clear=False)
    assert broken.findings[0].code == "missing-zero-grad"


@pytest.mark.parametrize(("lang", "depth"), [("en", 2), ("zh", 2), ("en", 4), ("zh", 4)])
def test_the_sound_twins_are_healthy(tmp_path: Path, lang: str, depth: int) -> None:
    """In both languages."""
    sound = judged(tmp_path / "log.json", trainings.mlp(depth, nn.ReLU), 0.05, lang)
    assert (sound.state, [f.code for f in sound.findings if f.severity != "note"]) == ("healthy", [])
