"""Batches of which the loss ignores every label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from builders import event, signals_of
from recordkit import record
from torch import nn

if TYPE_CHECKING:
    from pathlib import Path


def _signals(tmp_path: Path, masked: dict[str, set[int]], reduction: str = "mean") -> object:
    """Return the signals of six steps and four batches of an evaluation, those named without a label."""
    model = nn.Linear(4, 3)

    def loss(phase: str, number: int) -> torch.Tensor:
        labels = torch.full((5,), -100) if number in masked.get(phase, set()) else torch.tensor([0, 1, 2, -100, -100])
        return F.cross_entropy(model(torch.randn(5, 4)), labels, reduction=reduction)

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(6):
            optimizer.zero_grad()
            loss("training", step).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for number in range(4):
                loss("evaluation", number)
        return model

    events = record(train).of("event")
    told = [event(e["kind"], e["detail"], e["subject"]) for e in events if e["kind"] == "label-counts"]
    return signals_of(tmp_path, steps=6, events=told)


def test_an_evaluation_with_batches_without_labels(tmp_path: Path) -> None:
    """Two of four batches of the evaluation have no label that counts."""
    seen = _signals(tmp_path, {"evaluation": {1, 3}})
    assert (seen["unlabeled_batches"], seen["unlabeled_of"], seen["unlabeled_phase"]) == (2, 4, "evaluation")


def test_a_training_with_one(tmp_path: Path) -> None:
    """One of six steps has none; the evaluation is as it should be."""
    seen = _signals(tmp_path, {"training": {4}})
    assert (seen["unlabeled_batches"], seen["unlabeled_of"], seen["unlabeled_phase"]) == (1, 6, "training")


def test_batches_with_a_few_labels(tmp_path: Path) -> None:
    """Labels that are ignored in part leave a mean."""
    assert _signals(tmp_path, {})["unlabeled_batches"] == 0


def test_a_sum_over_nothing(tmp_path: Path) -> None:
    """A summed loss of nothing is zero, and does no harm now and then."""
    assert _signals(tmp_path, {"training": {4}}, "sum")["unlabeled_batches"] == 0


def test_an_evaluation_of_sums_over_nothing(tmp_path: Path) -> None:
    """Where no batch of a phase has a label, nothing is measured."""
    seen = _signals(tmp_path, {"evaluation": {0, 1, 2, 3}}, "sum")
    assert (seen["unlabeled_batches"], seen["unlabeled_of"], seen["unlabeled_phase"]) == (4, 4, "evaluation")


def _new_share(tmp_path: Path, trained: list[int], held_out: list[int]) -> object:
    """Return the share of new labels in an evaluation of a classifier of four classes."""
    model = nn.Linear(4, 4)

    def train() -> object:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(12):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(len(trained), 4)), torch.tensor(trained)).backward()
            optimizer.step()
            with torch.no_grad():
                F.cross_entropy(model(torch.randn(len(held_out), 4)), torch.tensor(held_out))
        return model

    records = record(train)
    told = [event(e["kind"], e["detail"], e["subject"]) for e in records.of("event") if e["kind"] == "label-counts"]
    return signals_of(tmp_path, steps=12, events=told, losses=records.facts("loss"))["new_label_share"]


def test_an_evaluation_on_classes_that_the_training_never_has(tmp_path: Path) -> None:
    """Half of its labels; ignored ones do not count."""
    assert _new_share(tmp_path, [0, 1, 2, 0], [0, 3, -100, -100]) == 0.5


def test_an_evaluation_on_classes_of_the_training(tmp_path: Path) -> None:
    """However they are shared out."""
    assert _new_share(tmp_path, [0, 1, 2, 3], [3, 3, 3, 3]) == 0.0


def test_a_class_that_the_training_need_not_have_met(tmp_path: Path) -> None:
    """It is so rare that the labels looked at would hold it a few times only."""
    assert _new_share(tmp_path, [0, 1, 2, 0], [0] * 15 + [3]) == 0.0
