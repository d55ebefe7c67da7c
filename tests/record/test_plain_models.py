"""What plain models get from the rows that a network is trained on."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.losses.plain_fits import plain_fits
from trainadvisor.record.probes.plain_models import PlainModelsProbe

ROWS = 400


def told(x: torch.Tensor, y: torch.Tensor, loss: Any, outputs: int = 1, batch: int = 100) -> list[dict[str, Any]]:
    """Return what is told of a training over these rows."""

    def train() -> object:
        model = nn.Sequential(nn.Flatten(), nn.Linear(x[0].numel(), outputs))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for place in range(0, len(x), batch):
            optimizer.zero_grad()
            loss(model(x[place : place + batch]), y[place : place + batch]).backward()
            optimizer.step()
        return model

    records = record(train)
    assert not records.failures
    return records.events("plain-models")


def test_a_straight_line_is_found_by_the_linear_model() -> None:
    """The target is the sum of the columns: the linear model explains it, ridge or not."""
    torch.manual_seed(0)
    x = torch.randn(ROWS, 4)
    (fact,) = told(x, x.sum(1, keepdim=True), F.mse_loss)
    assert (fact["examples"], fact["tested"]) == (ROWS, ROWS // 2)
    assert fact["linear"] > 0.98
    assert fact["nearest"] > 0.7


def test_classes_that_no_line_separates_are_found_by_the_nearest_examples() -> None:
    """Two rings as images of one pixel a channel: a line guesses, neighbors know."""
    torch.manual_seed(0)
    angle, y = 6.28 * torch.rand(ROWS), torch.arange(ROWS) // 2 % 2
    x = torch.stack([(1 + y) * angle.cos(), (1 + y) * angle.sin()], 1)[:, :, None, None]
    (fact,) = told(x, y, F.cross_entropy, 2)
    assert fact["linear"] < 0.65
    assert fact["nearest"] == 1


def test_targets_without_any_relation_to_the_input_are_found_by_neither() -> None:
    """Yes or no at random: half is right; numbers at random: nothing is explained."""
    torch.manual_seed(0)
    x, noise = torch.randn(ROWS, 3), torch.randn(ROWS, 1)
    (fact,) = told(x, (noise > 0).float(), F.binary_cross_entropy_with_logits)
    assert max(fact["linear"], fact["nearest"]) < 0.6
    (fact,) = told(x, noise, F.mse_loss)
    assert max(fact["linear"], fact["nearest"]) < 0.1


@pytest.mark.parametrize(
    ("x", "y", "loss", "outputs"),
    [
        (torch.randn(40, 3), torch.arange(40) % 2, F.cross_entropy, 2),
        (torch.randn(ROWS, 3), torch.rand(ROWS, 1), F.binary_cross_entropy_with_logits, 1),
        (torch.randn(ROWS, 3), torch.rand(ROWS, 1), F.l1_loss, 1),
        (torch.randn(ROWS, 1025), torch.rand(ROWS, 1), F.mse_loss, 1),
        (torch.randn(ROWS, 3), torch.softmax(torch.randn(ROWS, 2), 1), F.cross_entropy, 2),
    ],
)
def test_what_plain_models_are_not_made_for_is_left_out(
    x: torch.Tensor, y: torch.Tensor, loss: Any, outputs: int
) -> None:
    """Few rows, soft answers, another loss, too many columns, probabilities of classes."""
    assert told(x, y, loss, outputs) == []


def test_rows_that_come_again_are_not_asked_for() -> None:
    """One batch again and again tells nothing about other rows."""
    torch.manual_seed(0)
    x = torch.randn(25, 3)
    assert told(x.repeat(16, 1), x.sum(1, keepdim=True).repeat(16, 1), F.mse_loss, batch=25) == []


def test_values_that_are_no_numbers_end_it() -> None:
    """NaN in a column leaves no distances."""
    x = torch.randn(ROWS, 3)
    x[5, 1] = float("nan")
    assert plain_fits(x, torch.arange(ROWS) % 2, classes=True) is None


def test_no_more_than_the_first_rows_are_kept() -> None:
    """1,024 of 1,500 rows, whatever the size of the batches."""
    torch.manual_seed(0)
    x = torch.randn(1500, 3)
    (fact,) = told(x, x.sum(1, keepdim=True), F.mse_loss)
    assert (fact["examples"], fact["tested"]) == (1024, 512)


def test_small_batches_are_taken_up_to_a_number_of_calls() -> None:
    """32 calls of four rows each."""
    torch.manual_seed(0)
    x = torch.randn(ROWS, 3)
    (fact,) = told(x, x.sum(1, keepdim=True), F.mse_loss, batch=4)
    assert fact["examples"] == 128


@pytest.mark.parametrize(
    ("kinds", "until"),
    [
        ({"cross_entropy"}, 7), ({"nll_loss"}, 7), ({"binary_cross_entropy_with_logits"}, 7),
        ({"binary_cross_entropy"}, 7), ({"mse_loss"}, 7), ({"l1_loss", "mse_loss"}, 7), ({"l1_loss"}, math.inf),
        (set(), math.inf),
    ],
)  # fmt: skip
def test_the_probe_rests_where_no_loss_compares_rows_with_targets(kinds: set[str], until: float) -> None:
    """And once it has seen enough, but for an input that waits for its loss."""
    probe = PlainModelsProbe(SimpleNamespace())  # type: ignore[arg-type] # nothing is asked of it here
    routine: Any = SimpleNamespace(kinds=frozenset(kinds), step=7)
    assert probe.rests_until(routine) == until
    probe._given = torch.ones(2, 2)
    assert probe.rests_until(routine) == 7
    probe._given, probe._calls = None, 10**6
    assert probe.rests_until(routine) == math.inf
