"""Differences that a script writes out itself: found in the graph of the loss, with the power they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from trainadvisor.record.losses.written_out_losses import difference, share

if TYPE_CHECKING:
    from collections.abc import Callable

Y = torch.tensor([[1.0, 5.0], [2.0, 7.0], [4.0, 6.0]])
X = torch.tensor([[0.5, 1.0], [1.5, 2.0], [2.5, 3.0]])


def found(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> tuple[int, list[list[float]]] | None:
    """Return what is found of the loss of an answer that is twice the input."""
    answer = X.clone().requires_grad_() * 2
    told = difference(loss(answer, Y).grad_fn)
    return told and (told[0], told[1].tolist())


DIFFERENCE = (2 * X - Y).tolist()


@pytest.mark.parametrize(
    ("loss", "power"),
    [
        (lambda p, y: ((p - y) ** 2).mean(), 2),
        (lambda p, y: torch.square(p - y).sum(), 2),
        (lambda p, y: torch.mul(*[p - y] * 2).mean(), 2),
        (lambda p, y: (p - y).abs().mean(), 1),
        (lambda p, y: (p - y).abs().sum(1).mean() / 2, 1),
        (lambda p, y: 3 * ((p - y) ** 2).double().mean(), 2),
        (lambda p, y: ((p - y) ** 2).view(-1).sum(0, keepdim=True).squeeze() * 2 / 3, 2),
    ],
)
def test_the_difference_and_its_power(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], power: int) -> None:
    """Below a mean or a sum, and what scales or reshapes it."""
    assert found(loss) == (power, DIFFERENCE)


def test_a_difference_of_which_the_answer_is_taken() -> None:
    """With its own sign."""
    assert found(lambda p, y: ((y - p) ** 2).mean()) == (2, (Y - 2 * X).tolist())
    assert found(lambda p, y: (torch.rsub(p, y)).abs().mean()) == (1, (Y - 2 * X).tolist())


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, y: (p - y).mean(),
        lambda p, y: ((p - y) ** 3).mean(),
        lambda p, y: ((p + y) ** 2).mean(),
        lambda p, y: ((p - y) * (p - y)).mean(),
        lambda p, y: ((p - y) ** 2).mean() + p.abs().mean(),
        lambda p, y: ((p - y) ** 2).mean() * p.mean(),
        lambda p, y: ((p - y) ** 2).mean().sqrt(),
        lambda p, y: ((X + p - y) ** 2).mean(),
        lambda p, y: ((p - y - X) ** 2).mean(),
        lambda p, y: p.mean(),
    ],
)
def test_other_losses_have_none(loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
    """Other powers, sums of terms, products with something else, and answers beside the net."""
    assert found(loss) is None


@pytest.mark.parametrize(("times", "power"), [(4, 2), (5, None)])
def test_it_is_looked_for_a_few_operations_deep(times: int, power: int | None) -> None:
    """The mean counts as one of six."""

    def loss(p: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        result = ((p - y) ** 2).mean()
        for _ in range(times):
            result = result * 2
        return result

    told = found(loss)
    assert (told and told[0]) == power


def test_without_a_graph_there_is_none() -> None:
    """A loss of numbers."""
    assert difference(None) is None


@pytest.mark.parametrize(
    ("power", "values", "left"),
    [
        (2, [1.0, 3.0], 2 / 5), (2, [0.0, 0.0, 3.0], 1.0), (1, [1.0, 2.0, 6.0], 5 / 9),
        (1, [[1.0, -2.0], [3.0, -2.0], [5.0, -2.0]], 4 / 15), (2, [[1.0, 5.0], [3.0, 5.0]], 1 / 15),
    ],
)  # fmt: skip
def test_the_share_that_the_best_constant_leaves(power: int, values: list[float], left: float) -> None:
    """Of squares by the mean of each column, of absolute values by its median."""
    assert share(power, torch.tensor(values)).item() == pytest.approx(left)
