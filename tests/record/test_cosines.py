"""Losses that are made of cosines between embeddings, whatever they are written with."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from trainadvisor.record.losses.cosines import given_vectors, made_of_cosines

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _similarities(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return F.normalize(a, dim=1) @ F.normalize(b, dim=1).t() / 0.1


COSINES: dict[str, Loss] = {
    "cosine_similarity": lambda a, b: -F.cosine_similarity(a, b).mean(),
    "one side stopped": lambda a, b: -F.cosine_similarity(a, b.detach()).mean(),
    "two sides": lambda a, b: -(F.cosine_similarity(a, b).mean() + F.cosine_similarity(a * 2, b).mean()) / 2,
    "normalized": lambda a, b: (2 - 2 * (F.normalize(a) * F.normalize(b)).sum(-1)).mean(),
    "log-sum-exp": lambda a, b: (_similarities(a, b).logsumexp(1) - _similarities(a, b).diag()).mean(),
    "exponentials": lambda a, b: (_similarities(a, b).exp().sum(1).log() - _similarities(a, b).diag()).mean(),
    "log_softmax": lambda a, b: -F.log_softmax(_similarities(a, b), 1).diag().mean(),
    "cross-entropy": lambda a, b: F.cross_entropy(_similarities(a, b), torch.arange(8)),
    "both ways": lambda a, b: (
        F.cross_entropy(_similarities(a, b), torch.arange(8)) + F.cross_entropy(_similarities(a, b).T, torch.arange(8))
    ),
}
OTHERS: dict[str, Loss] = {
    "squared error": F.mse_loss,
    "distance": lambda a, b: (a - b).pow(2).sum(1).mean(),
    "product": lambda a, b: (a * b).sum(1).mean(),
    "quotient": lambda a, b: (a / 2 * b).sum(),
    "cross-entropy": lambda a, b: F.cross_entropy(a @ b.t(), torch.arange(8)),
    "cosine classifier": lambda a, _: F.cross_entropy(F.normalize(a) @ F.normalize(CLASSES).t() / 0.1, LABELS),
    "its weights as a layer has them": lambda a, _: F.cross_entropy(F.linear(F.normalize(a), CLASSES), LABELS),
}
CLASSES, LABELS = torch.nn.Parameter(torch.randn(5, 4)), torch.zeros(8).long()


def _made_of_cosines(loss: Loss) -> bool:
    torch.manual_seed(0)
    weight = torch.randn(4, 4, requires_grad=True)
    return made_of_cosines(loss(torch.relu(torch.randn(8, 4) @ weight), torch.tanh(torch.randn(8, 4) @ weight)).grad_fn)


@pytest.mark.parametrize("name", COSINES)
def test_cosines(name: str) -> None:
    """Vectors are divided by their norms and multiplied."""
    assert _made_of_cosines(COSINES[name])


@pytest.mark.parametrize("name", OTHERS)
def test_no_cosines(name: str) -> None:
    """Products without norms, distances, and embeddings compared with the weights of classes."""
    assert not _made_of_cosines(OTHERS[name])


def test_vectors_without_gradient_are_given() -> None:
    """A teacher's beside a product of the embeddings; none where both sides have a gradient."""
    a, b = torch.randn(8, 4, requires_grad=True).sin(), torch.randn(8, 4, requires_grad=True).sin()
    teacher = F.normalize(b.detach(), dim=1)
    given = given_vectors((1 - (F.normalize(a * 2, dim=1) * teacher).sum(-1).mean()).grad_fn)
    assert given is not None
    assert torch.equal(given, teacher)
    assert given_vectors((1 - (F.normalize(a, dim=1) * F.normalize(b, dim=1)).sum(-1).mean()).grad_fn) is None
    assert given_vectors((a * teacher).sum(-1).mean().grad_fn) is None
