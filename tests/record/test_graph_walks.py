"""How often the graph of a loss is walked: once a backward, and no longer where nothing can be found."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recordkit import record
from torch import nn

from trainadvisor.record.losses import loss_graph, loss_registry
from trainadvisor.record.losses.whole_graph import WholeGraph
from trainadvisor.record.probes import label_alignment

STEPS = 12


def _train(model: nn.Module, batch: torch.Tensor) -> nn.Module:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(batch).flatten(0, -2), torch.arange(batch.shape[0]) % 3).backward()
        optimizer.step()
    return model


def _classifier() -> nn.Module:
    return _train(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(6, 4))


def _tagger() -> nn.Module:
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(STEPS):
        ids = torch.randint(9, (2, 5))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(ids).flatten(0, 1), ids.flatten() % 3).backward()
        optimizer.step()
    return model


def test_a_graph_is_read_once_a_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the probes of codebooks, of axes and of masks together, in the first four steps."""
    read: list[Any] = []

    def reading(root: Any) -> WholeGraph:
        read.append(root)
        return WholeGraph(root)

    monkeypatch.setattr(loss_registry, "WholeGraph", reading)
    record(_classifier)
    assert len(read) == len(set(read)) == 4


@pytest.mark.parametrize(("train", "looks"), [(_classifier, 4), (_tagger, 8)])
def test_labels_are_looked_for_while_ids_may_be_there(monkeypatch: pytest.MonkeyPatch, train: Any, looks: int) -> None:
    """A model that looks no ids up is left alone after four losses, one that does after eight."""
    looked: list[Any] = []

    def looking(nodes: list[Any]) -> list[torch.Tensor]:
        looked.append(nodes)
        return []

    monkeypatch.setattr(label_alignment, "read_in_steps", looking)
    record(train, every=100)
    # the samples of the layers that follow the first steps are looked at too
    assert looks <= len(looked) <= (looks if train is _classifier else 16)


def test_what_is_only_a_parameter_in_another_shape_is_not_computed() -> None:
    """A product with it has one side that depends on the input."""
    weight = nn.Parameter(torch.ones(2, 2))
    given = weight * 2
    assert [loss_graph._depends(one.grad_fn) for one in (weight.t(), given.t(), given)] == [False, True, True]
    assert loss_graph._depends(None) is False
    products = given @ weight.t(), given @ (weight * 3)
    assert [loss_graph._both_depend(one.grad_fn) for one in products] == [False, True]
