"""A sum of standard losses that one of them rules: whether the others were learned, in trainings of two heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import trainadvisor
from trainadvisor import signals

if TYPE_CHECKING:
    from pathlib import Path


def trained(folder: Path, scale: float, weight: float = 1.0) -> Any:
    """The signals of a training of a class and of a quantity, whose targets have a standard deviation of `scale`."""
    torch.manual_seed(0)
    examples = torch.randn(256, 8)
    classes, amounts = (examples[:, :4].argmax(1)), scale * examples.sum(1, keepdim=True) / 8**0.5
    trunk, first, second = nn.Sequential(nn.Linear(8, 32), nn.ReLU()), nn.Linear(32, 4), nn.Linear(32, 1)
    model = nn.ModuleList([trunk, first, second])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with trainadvisor.watch(model, optimizer, log=folder / "log.json"):
        for step in range(300):
            rows = torch.arange(32) + 32 * (step % 8)
            hidden = trunk(examples[rows])
            loss = nn.functional.cross_entropy(first(hidden), classes[rows])
            loss = loss + weight * nn.functional.mse_loss(second(hidden), amounts[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return signals.of(trainadvisor.read_log(folder / "log.json"))


def test_the_part_beside_a_ruling_one_has_a_skill_of_its_own(tmp_path: Path) -> None:
    """Targets with a deviation of 100 give 10,000 where four classes give 1.4."""
    told = trained(tmp_path, 100.0)
    assert told["unlearned_part"].startswith("cross_entropy (")
    assert told["ruling_part"].startswith("mse_loss (")
    assert told["unlearned_beside"] == pytest.approx(1e4 / 1.386, rel=0.2)
    assert told["unlearned_skill"] < 0.3 < told["ruling_skill"]


@pytest.mark.parametrize(("scale", "weight"), [(1.0, 1.0), (100.0, 1e-4)], ids=["targets of size 1", "a weight"])
def test_terms_of_one_size_have_no_ruling_part(scale: float, weight: float, tmp_path: Path) -> None:
    """As where the large one is weighed down."""
    told = trained(tmp_path, scale, weight)
    assert (told["unlearned_skill"], told["unlearned_beside"]) == (None, 0.0)
