"""Validation and training are compared in the same quantity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from builders import make_loss, signals_of

from trainadvisor.i18n.language import Words
from trainadvisor.report.text import healthy
from trainadvisor.signals.evaluations import part_validated

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 100
TARGET = {"histogram": [100] * 10, "classes": 10, "shape": [32]}


def _seen(folder: Path, losses: list[dict[str, Any]], evals: dict[str, Any], **columns: Any) -> Any:
    told = [{"step": 20 * i, "examples": 400, "metrics": {}, **evals} for i in range(1, 6)]
    return signals_of(folder, losses=losses, columns={"lr": 0.1, **columns}, evals=told)


def test_a_summed_loss_compares_by_the_example(tmp_path: Path) -> None:
    """A sum over 32 examples, not divided, and one divided by as many as it adds up."""
    summed = make_loss(target=TARGET, reduction="sum", terms=32)
    seen = _seen(tmp_path, [summed], {"loss": 1.5, "loss_id": 0}, loss=[32.0] * STEPS, loss_id=0)
    assert seen["val_train_ratio"] == pytest.approx(1.5)
    assert seen["val_skill_final"] == pytest.approx(1 - 1.5 / math.log(10))
    told = {**summed, "by_example": True}
    seen = _seen(tmp_path, [told], {"loss": 1.5, "loss_id": 0}, loss=[1.0] * STEPS, loss_id=0)
    assert (seen["val_train_ratio"], seen["trivial_loss"]) == (pytest.approx(1.5), pytest.approx(math.log(10)))
    divided = {**summed, "divisor": 32}
    seen = _seen(tmp_path, [divided], {"loss": 1.5, "loss_id": 0}, loss=[1.0] * STEPS, loss_id=0)
    assert seen["val_train_ratio"] == pytest.approx(1.5)


def test_a_sum_of_terms_is_not_compared_with_one_of_them(tmp_path: Path) -> None:
    """Training minimizes cross-entropy plus two penalties, validation tells the cross-entropy alone."""
    whole, term = {**make_loss("custom"), "id": 1, "parts": [0, 2]}, make_loss(target=TARGET)
    seen = _seen(tmp_path, [term, whole], {"loss": 0.5, "loss_id": 0}, loss=[3.0] * STEPS, loss_id=1)
    assert (seen["val_train_ratio"], seen["val_loss_final"], seen["train_fall_after_best"]) == (None, 0.5, None)


def test_a_part_is_compared_with_the_same_part(tmp_path: Path) -> None:
    """The cross-entropy inside of the composed loss is recorded at every step."""
    whole, term = {**make_loss("custom"), "id": 1, "parts": [0]}, make_loss(target=TARGET)
    seen = _seen(
        tmp_path, [term, whole], {"loss": 0.5, "loss_id": 0}, loss=[3.0] * STEPS, loss_id=1, part=0.25, part_id=0
    )
    assert seen["val_train_ratio"] == pytest.approx(2.0)
    assert part_validated(seen.log) == ("cross_entropy", 0.25)


def test_the_report_sets_a_validated_part_beside_the_same_part(tmp_path: Path) -> None:
    """Where the same loss is validated, or nothing is known of the part in training, nothing is added."""
    whole, term = {**make_loss("custom"), "id": 1, "parts": [0]}, make_loss(target=TARGET)
    once = _seen(tmp_path, [term], {"loss": 0.5, "loss_id": 0}, loss=[3.0] * STEPS, loss_id=0)
    assert part_validated(once.log) is None
    unknown = _seen(tmp_path, [term, whole], {"loss": 0.5, "loss_id": 0}, loss=[3.0] * STEPS, loss_id=1)
    assert part_validated(unknown.log) is None
    run = {"loss_first": 3.0, "loss_final": 3.0, "val_loss_final": 0.5, "val_part": ["cross_entropy", 0.25]}
    told = "3 -> 3 train, 0.5 validation (cross_entropy alone, which was 0.25 in training)"
    assert healthy._loss(Words("en"), run) == [told]
    assert healthy._loss(Words("en"), {**run, "val_part": []}) == ["3 -> 3 train, 0.5 validation"]


def test_a_composed_loss_compares_with_itself(tmp_path: Path) -> None:
    """The model returns it in training and in evaluation."""
    whole = {**make_loss("custom"), "id": 1, "parts": [0]}
    seen = _seen(tmp_path, [make_loss(), whole], {"loss": 6.0, "loss_id": 1}, loss=[3.0] * STEPS, loss_id=1)
    assert seen["val_train_ratio"] == pytest.approx(2.0)


def test_validation_skill_uses_the_targets_of_the_validation(tmp_path: Path) -> None:
    """Ten even classes in training, two in validation; too few examples say nothing."""
    told = {"loss": 0.3, "loss_id": 0, "trivial": math.log(2)}
    seen = _seen(tmp_path, [make_loss(target=TARGET)], told, loss=[1.0] * STEPS, loss_id=0)
    assert seen["val_skill_final"] == pytest.approx(1 - 0.3 / math.log(2))
    few = {**told, "examples": 4}
    seen = _seen(tmp_path, [make_loss(target=TARGET)], few, loss=[1.0] * STEPS, loss_id=0)
    assert seen["val_skill_final"] == pytest.approx(1 - 0.3 / math.log(10))
