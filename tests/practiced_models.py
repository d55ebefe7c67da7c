"""What people train with: models, and the ways in which they are called and answer."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from practices import CASES, batches, case, mlp, sgd, train, words
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from naive import Naive

__all__ = ["CASES"]


@case
def _channels_last(naive: Naive) -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4)
    ).to(memory_format=torch.channels_last)
    data = [(x.to(memory_format=torch.channels_last), y) for x, y in batches((4, 3, 6, 6))]
    train(naive, model, sgd(model), data=data)


class Tied(nn.Module):
    """An embedding whose weight is the output layer's too."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.out = nn.Embedding(9, 6), nn.Linear(6, 9, bias=False)
        self.out.weight = self.words.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.words(x)).mean(1)


@case
def _tied_weights(naive: Naive) -> None:
    model = Tied()
    train(naive, model, sgd(model), data=words())


@case
def _computed_weights(naive: Naive) -> None:
    model = nn.Sequential(
        parametrizations.weight_norm(nn.Linear(8, 16)),
        nn.Tanh(),
        parametrizations.spectral_norm(nn.Linear(16, 16)),
        parametrizations.orthogonal(nn.Linear(16, 16)),
        nn.utils.weight_norm(nn.Linear(16, 8)),
        nn.utils.spectral_norm(nn.Linear(8, 4)),
    )
    train(naive, model, sgd(model))


@case
def _lazy_layers(naive: Naive) -> None:
    model = nn.Sequential(nn.LazyLinear(16), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(4))
    model(batches()[0][0])
    train(naive, model, sgd(model))


@case
def _from_the_meta_device(naive: Naive) -> None:
    with torch.device("meta"):
        model = mlp()
    model(torch.empty(2, 8, device="meta"))
    model.to_empty(device="cpu")
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    train(naive, model, sgd(model))


class Recomputing(nn.Module):
    """A network whose middle is computed a second time in the backward."""

    def __init__(self, *, reentrant: bool) -> None:
        super().__init__()
        self.first, self.middle, self.last = nn.Linear(8, 16), mlp_of(16), nn.Linear(16, 4)
        self.reentrant = reentrant

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(checkpoint(self.middle, self.first(x), use_reentrant=self.reentrant))


def mlp_of(width: int) -> nn.Module:
    """Return layers that keep the width, one of them random."""
    return nn.Sequential(nn.Linear(width, width), nn.Dropout(0.2), nn.ReLU(), nn.Linear(width, width))


@case
def _checkpointing(naive: Naive) -> None:
    model = Recomputing(reentrant=False)
    train(naive, model, sgd(model))


@case
def _reentrant_checkpointing(naive: Naive) -> None:
    model = Recomputing(reentrant=True)
    train(naive, model, sgd(model))


@case
def _accumulated_gradients(naive: Naive) -> None:
    model = mlp()
    optimizer = sgd(model)
    for x, y in batches():
        naive.begin(model)
        losses = []
        for half in (slice(4), slice(4, 8)):
            loss = F.cross_entropy(model(x[half]), y[half])
            (loss / 2).backward()
            losses.append(loss.item())
        naive.gradients(model.parameters())
        optimizer.step()
        optimizer.zero_grad()
        naive.end(sum(losses) / 2)


@case
def _parts_checkpointed_in_new_modules(naive: Naive) -> None:
    model = mlp()
    forward = lambda x: model[2:](checkpoint(model[:2], x, use_reentrant=False))  # noqa: E731
    train(naive, model, sgd(model), forward=forward)


@case
def _empty_batches(naive: Naive) -> None:
    model = mlp()
    nothing = torch.zeros(0, 8), torch.zeros(0, dtype=torch.long)
    data = [nothing, *batches(), nothing]
    train(naive, model, sgd(model), data=data, reduction="sum")
    # a sum is told by the example
    naive.losses[:] = [loss / max(1, len(labels)) for loss, (_, labels) in zip(naive.losses, data, strict=True)]


@case
def _hundred_thousand_classes(naive: Naive) -> None:
    model = nn.Linear(8, 100_000)
    train(naive, model, sgd(model), data=[(x, y * 20_000) for x, y in batches(count=2)])


@case
def _data_parallel(naive: Naive) -> None:
    model = mlp()
    train(naive, model, sgd(model), forward=nn.DataParallel(model))


@case
def _functional_call(naive: Naive) -> None:
    model = mlp()
    forward = lambda x: torch.func.functional_call(model, dict(model.named_parameters()), (x,))  # noqa: E731
    train(naive, model, sgd(model), forward=forward)


@dataclasses.dataclass
class Result:
    """What a model of a library returns."""

    loss: torch.Tensor
    logits: torch.Tensor


class Returning(nn.Module):
    """A model that computes its own loss and returns it in some container."""

    def __init__(self, pack: Callable[[torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.body, self.pack = mlp(), pack

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
        logits = self.body(x)
        return self.pack(F.cross_entropy(logits, y), logits)


def returning(
    pack: Callable[[torch.Tensor, torch.Tensor], Any], unpack: Callable[[Any], torch.Tensor], naive: Naive
) -> None:
    """Train a model that returns its loss."""
    model = Returning(pack)
    optimizer = sgd(model)
    for x, y in batches():
        naive.begin(model)
        optimizer.zero_grad()
        loss = unpack(model(x, y))
        loss.backward()
        naive.gradients(model.parameters())
        optimizer.step()
        naive.end(loss.item())


CASES["returning_a_dict"] = functools.partial(
    returning, lambda loss, logits: {"loss": loss, "logits": logits}, lambda result: result["loss"]
)
CASES["returning_a_tuple"] = functools.partial(returning, lambda *both: both, lambda result: result[0])
CASES["returning_a_dataclass"] = functools.partial(returning, Result, lambda result: result.loss)
