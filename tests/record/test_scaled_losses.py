"""A loss that is scaled before its backward stays the loss that it is; what is more than scaled is the script's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import Records, record
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    Scaling = Callable[[torch.Tensor], torch.Tensor]


def recorded(scaling: Scaling, reduction: str = "mean") -> tuple[Records, list[float]]:
    """Train two steps on a scaled loss; return the records, and the losses before they were scaled."""
    losses: list[float] = []

    def train() -> nn.Module:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(2):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(torch.randn(6, 4)), torch.tensor([0, 1, 2, 0, 1, 2]), reduction=reduction)
            losses.append(loss.mean().item())
            scaling(loss).backward()
            optimizer.step()
        return model

    return record(train), losses


@pytest.mark.parametrize(
    "scaling",
    [
        lambda loss: loss,
        lambda loss: loss / 2,
        lambda loss: 3 * (loss / 2),
        lambda loss: (3 * loss).squeeze() / 4,
        lambda loss: loss.double().view(()),
    ],
)
def test_up_to_three_scalings_leave_the_loss_as_it_is(scaling: Scaling) -> None:
    """It is recorded undivided, by its own name."""
    records, losses = recorded(scaling)
    assert [fact["kind"] for fact in records.facts("loss")] == ["cross_entropy"]
    assert records.column("loss") == pytest.approx(losses)


@pytest.mark.parametrize(
    "scaling",
    [lambda loss: loss.div_(4), lambda loss: loss.mul_(0.5), lambda loss: loss.div_(2).mul_(3) / 2],
)
def test_a_loss_that_is_divided_in_place_is_told_undivided(scaling: Scaling) -> None:
    """As `loss /= 4` does before accumulation: the same tensor, another value."""
    records, losses = recorded(scaling)
    assert [fact["kind"] for fact in records.facts("loss")] == ["cross_entropy"]
    assert records.column("loss") == pytest.approx(losses)


def test_the_fourth_scaling_makes_it_a_loss_of_the_script_s() -> None:
    """Which is recorded as it is differentiated, the standard part beside it."""
    records, losses = recorded(lambda loss: loss / 2 / 2 / 2 / 2)
    assert [fact["kind"] for fact in records.facts("loss")] == ["cross_entropy", "custom"]
    assert records.column("loss") == pytest.approx([loss / 16 for loss in losses])
    assert records.column("part") == pytest.approx(losses)


def test_a_penalty_makes_it_a_loss_of_the_script_s() -> None:
    """A sum is no scaling."""
    records, losses = recorded(lambda loss: loss + 1.0 * loss.new_ones(()).requires_grad_())
    assert [fact["kind"] for fact in records.facts("loss")] == ["cross_entropy", "custom"]
    assert records.column("loss") == pytest.approx([loss + 1 for loss in losses])


@pytest.mark.parametrize("kind", ["mean", "sum"])
def test_a_loss_of_each_example_is_recorded_by_what_it_becomes(kind: str) -> None:
    """A mean or a sum taken by hand."""
    records, losses = recorded(lambda loss: getattr(loss, kind)(), reduction="none")
    factor = 6 if kind == "sum" else 1
    assert records.column("loss") == pytest.approx([factor * loss for loss in losses])


def test_what_a_summed_loss_is_divided_by_is_told() -> None:
    """As a number, once; an undivided one has none."""
    records, _ = recorded(lambda loss: loss / 8, reduction="sum")
    assert records.facts("loss")[0]["divisor"] == 8.0
    records, _ = recorded(lambda loss: loss, reduction="sum")
    assert "divisor" not in records.facts("loss")[0]
