"""Vectors that meet as a row and a column on the way into a loss, beside shapes that are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
import torch.nn.functional as F
from recordkit import record
from torch import nn

from trainadvisor.record.losses.crossed_shapes import crossings, of_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

N = 16


class _Parts:
    """What losses of reinforcement learning and regression are made of."""

    def __init__(self) -> None:
        torch.manual_seed(4)
        self.x, self.y, self.next = torch.randn(N, 3), torch.randn(N), torch.randn(N, 1)
        self.done = (torch.rand(N) < 0.3).float()
        self.value, self.policy, self.square = nn.Linear(3, 1), nn.Linear(3, 4), nn.Linear(3, N)
        self.matrix, labels = torch.randn(N, N), torch.arange(N) % 2
        self.same = (labels[:, None] == labels[None]).float()

    @property
    def v(self) -> torch.Tensor:
        return self.value(self.x)

    @property
    def log_prob(self) -> torch.Tensor:
        return F.log_softmax(self.policy(self.x), 1)[range(N), [0] * N]

    @property
    def advantage(self) -> torch.Tensor:
        return self.y - self.v.detach()


def _ppo(p: _Parts) -> torch.Tensor:
    ratio = p.log_prob.exp()
    return -torch.min(ratio * p.advantage, ratio.clamp(0.8, 1.2) * p.advantage).mean()


def _normalized(p: _Parts) -> torch.Tensor:
    raw = p.y + 0.9 * p.next * (1 - p.done) - p.v.detach()
    return -((raw - raw.mean()) / raw.std() * p.log_prob).mean()


def _averaged_and_squared(p: _Parts) -> torch.Tensor:
    difference = -(p.v - p.next).abs() - p.log_prob
    return difference.mean() + difference.pow(2).mean()


def _ranking(p: _Parts) -> torch.Tensor:
    score = p.v
    pairs = F.relu(1 - (score - score.squeeze(1)) * (p.y[:, None] - p.y))
    return pairs.mean() + pairs.mean(1).sum()


CROSSED = {
    "difference": lambda p: (p.v - p.y).pow(2).mean(),
    "relative": lambda p: ((p.v - p.y) / p.y).abs().mean(),
    "advantage": lambda p: -(p.advantage * p.log_prob).mean(),
    "ppo": _ppo,
    "td": _normalized,
    "weighted": lambda p: (p.y.abs() * (p.v - p.next) ** 2).mean(),
    "both-trained": lambda p: (p.log_prob * p.v).mean(),
    "ratio": lambda p: ((p.log_prob - p.next).exp() * p.y).mean(),
    "rows-first": lambda p: ((p.y - p.v) ** 2).mean(-1).sum() / N,
    "two-sided": lambda p: torch.where(p.y > p.v, 1.5 * (p.y - p.v) ** 2, (p.y - p.v) ** 2).mean(-1).mean(),
    "added-then-squared": lambda p: (2 * ((p.v - p.next).abs() - p.log_prob)).pow(2).mean(),
    "averaged-and-squared": _averaged_and_squared,
    "target": lambda p: F.huber_loss(p.v.squeeze(1), (p.y + 0.9 * p.next).expand(N, N)),
}
MEANT = {
    "ranking": _ranking,
    "pairs": lambda p: F.softplus(p.log_prob.unsqueeze(1) - p.v.squeeze(1)).mean(),
    "kernel": lambda p: (-((p.v.unsqueeze(2) - p.y.view(1, 1, -1)) ** 2)).exp().mean(),
    "contrast": lambda p: (F.log_softmax(p.policy(p.x) @ p.policy(p.x).t(), 1) * p.same).mean(),
    "graph-weights": lambda p: (p.matrix * p.v.squeeze(1)).mean(),
    "mask": lambda p: (p.same * p.v).mean(),
    "square-data": lambda p: ((p.square(p.x) - p.matrix) ** 2).mean() + ((p.matrix - p.v) ** 2).mean(),
    "scores": lambda p: F.leaky_relu(p.v + p.value(p.x * 2).t()).softmax(1).matmul(p.y).mean(),
    "pairs-by-rows": lambda p: F.softplus(p.log_prob.unsqueeze(1) - p.v.squeeze(1)).sum(1).mean(),
    "kernel-by-rows": lambda p: (-((p.v.unsqueeze(2) - p.y.view(1, 1, -1)) ** 2)).exp().sum(-1).log().mean(),
    "centered": lambda p: ((p.square(p.x) - p.square(p.x).mean(0)) ** 2).sum(1).mean(),
    "pooled": lambda p: (p.v.softmax(0) * p.matrix).sum(0).pow(2).mean(),
    "square-by-rows": lambda p: ((p.square(p.x) - p.matrix) ** 2).mean(1).sum() + (p.matrix - p.v).abs().sum(1).mean(),
    "weighted-rows": lambda p: (((p.square(p.x) - p.matrix) ** 2).mean(1) * p.y.abs()).mean(),
    "added-losses": lambda p: ((p.v - p.next) ** 2 - 0.5 * (p.log_prob * p.y) + p.y.mean()).mean(),
    "matched": lambda p: -(p.advantage.diagonal() * p.log_prob).mean() + F.mse_loss(p.v.squeeze(1), p.y),
}


def _found(loss: torch.Tensor) -> list[str]:
    seen = crossings(loss.grad_fn)
    return [c.op for c in seen if c.matrix is None or of_vectors(c.matrix).item() == 1]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", CROSSED)
def test_a_vector_that_meets_a_column_is_found(name: str) -> None:
    """Each way to combine [N] with [N, 1], with and without gradient, is seen in the graph."""
    assert _found(CROSSED[name](_Parts()))


@pytest.mark.parametrize("name", MEANT)
def test_pairs_on_purpose_are_left_alone(name: str) -> None:
    """Rankings, kernels, contrasts, weights of a graph and square data are no accident."""
    assert _found(MEANT[name](_Parts())) == []


def _train(loss: Callable[[_Parts], torch.Tensor]) -> object:
    parts = _Parts()
    optimizer = torch.optim.SGD([*parts.value.parameters(), *parts.policy.parameters()], 0.01)
    for _ in range(4):
        optimizer.zero_grad()
        loss(parts).backward()
        optimizer.step()
    return parts


def test_a_crossing_is_told_once() -> None:
    """A training with a crossed advantage tells the operation and both shapes, once."""
    told = record(lambda: _train(CROSSED["advantage"])).events("crossed-shapes")
    assert told == [{"op": "MulBackward0", "shapes": [[N], [N, N]]}]


def test_a_matched_advantage_tells_nothing() -> None:
    """The same training with one advantage an example is quiet."""
    assert record(lambda: _train(MEANT["matched"])).events("crossed-shapes") == []
