"""Many trainings in one process: what is kept of each that is over is bounded."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch
from recordkit import Records, make_recorder
from torch import nn

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

TRAININGS, STEPS = 40, 3


def _train_once() -> tuple[nn.Module, torch.optim.Optimizer]:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(STEPS):
        optimizer.zero_grad()
        model(torch.randn(4, 4)).square().mean().backward()
        optimizer.step()
    return model, optimizer


@pytest.fixture
def recorded() -> Any:
    """Return the records and the recorder of many trainings, and references to what they made."""
    records, made = Records(), []
    recorder = make_recorder(records)
    recorder.start()
    try:
        for _ in range(TRAININGS):
            model, optimizer = _train_once()
            made += [weakref.ref(model), weakref.ref(optimizer)]
        del model, optimizer
        yield records, recorder, made
    finally:
        recorder.stop("finished")


def _one(probes: dict[type, Any], name: str) -> Any:
    return next(probe for kind, probe in probes.items() if kind.__name__ == name)


def _sizes(recorder: Recorder) -> dict[str, int]:
    inventory, probes = recorder.objects, {type(f.__self__): f.__self__ for f in recorder.handlers.named.values()}
    inputs, activations = (_one(probes, name) for name in ("ModelInputProbe", "ActivationProbe"))
    return {
        "models": len(inventory.models), "optimizers": len(inventory._optimizer_facts),
        "references": len(inventory._optimizer_references), "earlier": len(inventory._earlier) // 4,
        "inputs": len(inputs._gathered), "tables": len(activations._tables),
        "units": len(activations._units),
    }  # fmt: skip


def test_what_the_user_has_dropped_is_forgotten(recorded: Any) -> None:
    """Of forty trainings the recorder knows the last one or two, and no model of the user's is kept alive."""
    _, recorder, made = recorded
    gc.collect()
    assert [reference() for reference in made] == [None] * len(made)
    assert {name: size for name, size in _sizes(recorder).items() if size > 2} == {}


def test_the_log_holds_every_training(recorded: Any) -> None:
    """Each model with its optimizer and inputs, its samples under a number and a table of its own."""
    records, recorder, _ = recorded
    recorder.stop("finished")
    assert len(records.facts("model")) == len(records.facts("optimizer")) == TRAININGS
    assert sorted({detail["model"] for detail in records.events("inputs")}) == list(range(TRAININGS))
    assert [detail["id"] for detail in records.events("table")] == list(range(TRAININGS))
    assert sorted({row["model"] for row in records.of("layers")}) == list(range(TRAININGS))
    assert records.failures == []


def test_a_model_whose_parameters_live_on_is_kept() -> None:
    """A module made anew around the same parameters is the same model, number and all."""
    records = Records()
    recorder = make_recorder(records)
    recorder.start()
    try:
        weight = nn.Parameter(torch.randn(3, 3))
        optimizer = torch.optim.SGD([weight], 0.1)
        for _ in range(6):
            layer = nn.Linear(3, 3, bias=False)
            layer.weight = weight
            layer(torch.randn(2, 3)).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
            del layer
            gc.collect()
    finally:
        recorder.stop("finished")
    assert list(recorder.objects.models) == list(range(len(recorder.objects.models)))
    assert {row["model"] for row in records.of("layers")} <= recorder.objects.models.keys()
