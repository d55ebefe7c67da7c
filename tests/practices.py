"""What people train with: precisions and optimizers, and the loop that all these trainings share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from naive import Naive

STEPS = 4

Batch = tuple[torch.Tensor, torch.Tensor]
CASES: dict[str, Callable[[Naive], None]] = {}


def case(train: Callable[[Naive], None]) -> Callable[[Naive], None]:
    """Add a training."""
    CASES[train.__name__.strip("_")] = train
    return train


def batches(shape: tuple[int, ...] = (8, 8), count: int = STEPS) -> list[Batch]:
    """Return inputs and classes."""
    generator = torch.Generator().manual_seed(1)
    return [
        (torch.randn(shape, generator=generator), torch.randint(0, 4, shape[:1], generator=generator))
        for _ in range(count)
    ]


def words(count: int = STEPS) -> list[Batch]:
    """Return word numbers, some of them twice in a row, and classes."""
    return [(torch.randint(0, 9, (8, 5)), torch.randint(0, 4, (8,))) for _ in range(count)]


def mlp() -> nn.Sequential:
    """Return a small network."""
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))


def train(
    naive: Naive,
    model: nn.Module,
    *optimizers: torch.optim.Optimizer,
    data: list[Batch] | None = None,
    forward: Callable[[torch.Tensor], torch.Tensor] | None = None,
    reduction: str = "mean",
) -> None:
    """Train in the textbook way."""
    for x, y in data or batches():
        naive.begin(model)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss = F.cross_entropy((forward or model)(x), y, reduction=reduction)
        loss.backward()
        naive.gradients(model.parameters())
        for optimizer in optimizers:
            optimizer.step()
        naive.end(loss.item())


def sgd(model: nn.Module, **options: Any) -> torch.optim.Optimizer:
    """Return the usual optimizer."""
    return torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, **options)


# -- precision


def scaled(
    naive: Naive, dtype: torch.dtype, make: Callable[[nn.Module], torch.optim.Optimizer], **scaling: Any
) -> None:
    """Train under autocast with a gradient scaler."""
    model = mlp()
    optimizer, scaler = make(model), torch.amp.GradScaler("cpu", **scaling)
    for x, y in batches(count=8):
        naive.begin(model)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=dtype):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        naive.gradients(model.parameters(), scaler.get_scale())
        scaler.step(optimizer)
        scaler.update()
        naive.end(loss.item())


OVERFLOWING = {"init_scale": 2.0**40, "growth_interval": 3, "backoff_factor": 2.0**-8}


@case
def _float16_with_a_scaler(naive: Naive) -> None:
    scaled(naive, torch.float16, lambda model: torch.optim.Adam(model.parameters(), 1e-2), **OVERFLOWING)


@case
def _float16_with_a_scaler_and_a_fused_optimizer(naive: Naive) -> None:
    scaled(naive, torch.float16, lambda model: torch.optim.Adam(model.parameters(), 1e-2, fused=True), **OVERFLOWING)


@case
def _bfloat16_with_a_scaler_and_a_fused_optimizer(naive: Naive) -> None:
    scaled(naive, torch.bfloat16, lambda model: sgd(model, fused=True))


@case
def _float16_unscaled_and_clipped(naive: Naive) -> None:
    model = mlp()
    optimizer, scaler = sgd(model, fused=True), torch.amp.GradScaler("cpu")
    for x, y in batches():
        naive.begin(model)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.float16):
            loss = F.cross_entropy(model(x), y)
        scaler.scale(loss).backward()
        naive.gradients(model.parameters(), scaler.get_scale())
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        scaler.step(optimizer)
        scaler.update()
        naive.end(loss.item())


@case
def _double_precision(naive: Naive) -> None:
    model = mlp().double()
    train(naive, model, sgd(model), data=[(x.double(), y) for x, y in batches()])


class Complex(nn.Module):
    """A layer of complex numbers under one of real ones."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 4, dtype=torch.complex64))
        self.head = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head((x.to(torch.complex64) @ self.weight).abs())


@case
def _complex_parameters(naive: Naive) -> None:
    model = Complex()
    train(naive, model, torch.optim.Adam(model.parameters(), 1e-2))


# -- optimizers


@case
def _two_optimizers_of_one_model(naive: Naive) -> None:
    model = mlp()
    train(naive, model, sgd(model[0]), torch.optim.AdamW(model[2].parameters(), 1e-2))


@case
def _foreach_optimizer(naive: Naive) -> None:
    model = mlp()
    train(naive, model, torch.optim.Adam(model.parameters(), 1e-2, foreach=True))


@case
def _fused_optimizer(naive: Naive) -> None:
    model = mlp()
    train(naive, model, torch.optim.AdamW(model.parameters(), 1e-2, fused=True))


@case
def _learning_rate_in_a_tensor(naive: Naive) -> None:
    model = mlp()
    train(naive, model, torch.optim.Adam(model.parameters(), torch.tensor(1e-2)))


@case
def _differentiable_optimizer(naive: Naive) -> None:
    model = mlp()
    train(naive, model, sgd(model, foreach=False))


def closing(naive: Naive, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Train by closures."""
    for x, y in batches():
        losses: list[float] = []

        def closure(x: torch.Tensor = x, y: torch.Tensor = y, losses: list[float] = losses) -> torch.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            losses.append(loss.item())
            return loss

        naive.begin(model)
        optimizer.step(closure)
        naive.gradients(model.parameters())  # those of the last evaluation
        naive.end(sum(losses) / len(losses))


@case
def _lbfgs(naive: Naive) -> None:
    model = mlp()
    closing(naive, model, torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3))


@case
def _one_evaluation_in_a_closure(naive: Naive) -> None:
    model = mlp()
    closing(naive, model, sgd(model))


@case
def _optimizer_in_the_backward(naive: Naive) -> None:
    model = mlp()
    optimizers = {p: torch.optim.SGD([p], 0.1, momentum=0.9) for p in model.parameters()}
    seen: list[torch.Tensor] = []

    def step(parameter: torch.Tensor) -> None:
        seen.append(parameter.grad.clone())
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    for x, y in batches():
        naive.begin(model)
        seen.clear()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        naive.norms.append(float(torch.cat([g.flatten() for g in seen]).double().norm()))
        naive.end(loss.item())


class Bags(nn.Module):
    """Embeddings with sparse gradients."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.bag = nn.Embedding(9, 6, sparse=True), nn.EmbeddingBag(9, 6, mode="sum", sparse=True)
        self.head = nn.Linear(6, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.words(x).mean(1) + self.bag(x))


@case
def _sparse_embeddings(naive: Naive) -> None:
    model = Bags()
    sparse = torch.optim.SparseAdam([model.words.weight, model.bag.weight], 1e-2)
    train(naive, model, sparse, torch.optim.AdamW(model.head.parameters(), 1e-2), data=words())
