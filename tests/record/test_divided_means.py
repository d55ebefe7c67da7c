"""A mean that is divided by its own number of examples, beside divisions that are right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.losses.divided_means import divided_again, divided_by

if TYPE_CHECKING:
    from collections.abc import Callable

    Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

N = 16

TWICE: dict[str, Loss] = {
    "function": lambda out, y: F.mse_loss(out, y) / N,
    "half": lambda out, y: 0.5 * F.mse_loss(out, y) / N,
    "times": lambda out, y: (1 / N) * F.mse_loss(out, y) + out.sum(),
    "by-hand": lambda out, y: ((out - y) ** 2).mean() / N,
    "with-penalty": lambda out, y: (-F.logsigmoid(out - y).mean() + 1e-4 * out.pow(2).sum()) / N,
    "classes": lambda out, _: F.cross_entropy(out.expand(N, 3) * 2, torch.zeros(N).long()) / N,
}
ONCE: dict[str, Loss] = {
    "sum": lambda out, y: F.mse_loss(out, y, reduction="sum") / N,
    "sum-by-hand": lambda out, y: ((out - y) ** 2).sum() / N,
    "rows": lambda out, y: ((out - y) ** 2).mean(1).sum() / N,
    "micro-batches": lambda out, y: F.mse_loss(out, y) / 4,
    "penalty": lambda out, y: F.mse_loss(out, y) + out.pow(2).sum() / N,
    "nan": lambda out, y: F.mse_loss(out, y) * float("nan"),
    "infinite": lambda out, y: F.mse_loss(out, y) / float("inf"),
    "another-number": lambda out, y: F.mse_loss(out, y) / 12,
}


def _loss(loss: Loss) -> torch.Tensor:
    torch.manual_seed(0)
    return loss(nn.Linear(3, 1)(torch.randn(N, 3)), torch.randn(N, 1))


@pytest.mark.parametrize("name", TWICE)
def test_a_mean_divided_by_its_examples_is_found(name: str) -> None:
    """Of a function of torch and by hand, with a penalty beside it, as a division and as a factor."""
    assert divided_again(_loss(TWICE[name]).grad_fn) == N


@pytest.mark.parametrize("name", ONCE)
def test_other_divisions_are_not(name: str) -> None:
    """Sums, micro-batches and penalties."""
    assert divided_again(_loss(ONCE[name]).grad_fn) is None


def _told(micro: int, steps: int = 3) -> list[int]:
    def train() -> object:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            for _ in range(micro):
                TWICE["function"](model(torch.randn(N, 3)), torch.randn(N, 1)).backward()
            optimizer.step()
        return model

    return [detail["by"] for detail in record(train).events("mean-divided")]


def test_it_is_told_once_after_two_steps() -> None:
    """The number of examples is in the event; a single step is not enough."""
    assert (_told(1), _told(1, steps=1)) == ([N], [])


def test_as_many_micro_batches_as_examples_are_accumulation() -> None:
    """Sixteen backward passes a step, each divided by sixteen, are right."""
    assert _told(N) == []


@pytest.mark.parametrize(("name", "by"), [("micro-batches", 4), ("another-number", 12), ("function", 16)])
def test_what_a_mean_is_divided_by_in_all(name: str, by: int) -> None:
    """Whether or not it is the number of its examples, and in two steps too."""
    loss = (TWICE | ONCE)[name]
    assert divided_by(_loss(loss).grad_fn) == by
    assert divided_by(_loss(lambda out, y: loss(out, y) / 2).grad_fn) == 2 * by


@pytest.mark.parametrize("name", ["sum", "rows", "penalty", "nan", "infinite"])
def test_of_what_is_not_one_mean_nothing_is_told(name: str) -> None:
    """Of sums, of several terms and of divisors that are no numbers."""
    assert divided_by(_loss(ONCE[name]).grad_fn) is None


@pytest.mark.parametrize(("divisor", "steps", "told"), [(16, 3, [16]), (16, 1, []), (4, 3, []), (8, 3, [])])
def test_the_square_of_the_micro_batches_is_told_after_two_steps(divisor: int, steps: int, told: list[int]) -> None:
    """Four micro-batches, whose mean is divided by four and by four again; other divisors are right or weights."""

    def train() -> object:
        torch.manual_seed(0)
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(steps):
            optimizer.zero_grad()
            for _ in range(4):
                (F.mse_loss(model(torch.randn(N, 3)), torch.randn(N, 1)) / (divisor / 4) / 4).backward()
            optimizer.step()
        return model

    assert [detail["by"] for detail in record(train).events("divided-twice")] == told


@pytest.mark.parametrize(("divisors", "told"), [((1,), 1), ((1, 1), 1), ((1, 4), 0), ((), 0)])
def test_a_division_by_one_is_told_once_where_micro_batches_add_up(divisors: tuple[int, ...], told: int) -> None:
    """Label smoothing has a division of its own, which is none of the script's; by 1 and by 4 is by 4."""

    def train() -> object:
        torch.manual_seed(0)
        model = nn.Linear(3, 5)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(4):
            optimizer.zero_grad()
            for _ in range(4):
                loss = F.cross_entropy(model(torch.randn(N, 3)), torch.arange(N) % 5, label_smoothing=0.1)
                for divisor in divisors:
                    loss = loss / divisor
                loss.backward()
            optimizer.step()
        return model

    assert len(record(train).events("divided-by-one")) == told


def test_a_division_by_one_is_not_told_of_single_batches() -> None:
    """Accelerate divides by 1 wherever nothing is accumulated."""

    def train() -> object:
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(4):
            optimizer.zero_grad()
            (F.mse_loss(model(torch.randn(N, 3)), torch.randn(N, 1)) / 1).backward()
            optimizer.step()
        return model

    assert record(train).events("divided-by-one") == []
