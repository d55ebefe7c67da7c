"""What names of columns say, and how steps are numbered, each as whoever reads the file would."""

from __future__ import annotations

from typing import Any

import pytest

from trainadvisor.importers.metric_names import direction, is_accuracy, meaning, words_of
from trainadvisor.importers.numbering import Numbering


@pytest.mark.parametrize(
    ("name", "role", "rank"),
    [
        ("step", "step", (False, 1)), ("global_step", "step", (True, 2)), ("train/global_step", "step", (True, 3)),
        ("epoch", "epoch", (1,)), ("train/epoch", "epoch", (2,)), ("total_steps", "planned", ()),
        ("grad_norm", "grad_norm", (2,)), ("norm", "grad_norm", (1,)), ("train/gradient_norm", "grad_norm", (3,)),
        ("gnorm", "grad_norm", (1,)), ("lr", "lr", (1,)), ("learning_rate", "lr", (2,)), ("lr_scale", "other", ()),
        ("loss", "loss", (False, 1)), ("train_loss", "loss", (False, 2)), ("trainloss", "loss", (False, 2)),
        ("epoch_loss", "loss", (False, 2)), ("train_epoch_loss", "loss", (True, 3)),
        ("train_loss_epoch_step", "loss", (False, 4)), ("val_loss", "eval_loss", (False, 2)),
        ("valloss", "eval_loss", (False, 2)), ("box_loss", "part", (1, 2)), ("val/box_cls_loss", "eval_part", (2, 4)),
        ("loss_scale", "other", ()), ("best_loss", "other", ()), ("bestloss", "other", ()), ("val_acc", "metric", ()),
        ("val_runtime", "other", ()), ("accuracy", "train_metric", ()), ("reward", "metric", ()),
        ("train_reward", "train_metric", ()), ("wer", "train_metric", ()), ("banana", "other", ()),
        ("objective/kl", "figure", ()), ("eval/objective/kl", "metric", ()), ("val/ratio", "figure", ()),
        ("losses/entropy", "figure", ()), ("losses/value_loss", "part", (1, 3)), ("val/clip_ratio", "figure", ()),
    ],
)  # fmt: skip
def test_what_a_column_is_by_its_name(name: str, role: str, rank: tuple[Any, ...]) -> None:
    """And how plain its name is among those of its role."""
    assert meaning(name) == (role, rank)


def test_words_of_a_name() -> None:
    """Whatever parts them; a number that belongs to a name stays with it."""
    assert words_of("trainLoss/top1.F1-score_HTTPError") == ["train", "loss", "top1", "f1", "score", "http", "error"]
    assert words_of("val_r2/of_10top5") == ["val", "r2", "of", "10", "top5"]
    assert words_of("layer1_f12") == ["layer", "1", "f", "12"]


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("val_acc", "higher"),
        ("val_f1", "higher"),
        ("R2", "higher"),
        ("wer", "lower"),
        ("f1_error", "lower"),
        ("banana", None),
    ],
)
def test_which_way_is_better(name: str, way: str | None) -> None:
    """A word for an error decides."""
    assert direction(name) == way


@pytest.mark.parametrize(
    ("name", "right"), [("acc", True), ("train_accuracy", True), ("val_acc", False), ("top_acc", False)]
)
def test_the_accuracy_of_the_training(name: str, *, right: bool) -> None:
    """Not that of held-out data, nor of anything else."""
    assert is_accuracy(name) is right


ROWS = [
    ("steps of the whole", [(1, None), (2, None), (9, None)], [1, 2, 9]),
    ("steps of each epoch", [(0, 0), (10, 0), (0, 1), (10, 1)], [0, 10, 20, 30]),
    ("steps of each epoch from one on", [(1, 1), (2, 1), (1, 2), (2, 2)], [1, 2, 3, 4]),
    ("one step an epoch", [(5, 1), (5, 2), (5, 3)], [5, 6, 7]),
    ("another run", [(0, 1), (5, 1), (0, 2), (5, 2), (0, 1)], [0, 5, 10, 15, 0]),
    ("no number", [(1, None), (None, None), (2.5, None), (-1, None)], [1, 1, 1, 1]),
    ("no number at first", [(None, None), (1, None)], [0, 1]),
    ("an unknown epoch", [(1, 1), (2, None), (1, 2)], [1, 2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "numbers"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_steps_are_numbered_over_epochs(rows: list[tuple[Any, Any]], numbers: list[int]) -> None:
    """They go on where the file begins again with each epoch."""
    numbering = Numbering(has_step=True)
    assert [numbering.of(step, epoch, trains=True) for step, epoch in rows] == numbers


def test_epochs_or_rows_stand_for_steps() -> None:
    """Where the file has none."""
    numbering = Numbering(has_step=False)
    assert [numbering.of(9, epoch, trains=True) for epoch in (1, 2, None, 4)] == [1, 2, 2, 4]


@pytest.mark.parametrize(
    ("trained", "evaluated", "numbers"),
    [
        ([(100, None)], [0, 1, 2], [100, 100, 100]), ([(100, None)], [1, 2, 3], [100, 100, 100]),
        ([(100, None)], [50], [50]),
        ([(100, None)], [100], [100]), ([(10, 1), (0, 2)], [5], [11]), ([(2, None)], [3], [3]),
    ],
)  # fmt: skip
def test_evaluations_that_are_counted_by_epochs(
    trained: list[tuple[int, Any]], evaluated: list[int], numbers: list[int]
) -> None:
    """They stand at the step before them; those that name a step stand there."""
    numbering = Numbering(has_step=True)
    for step, epoch in trained:
        numbering.of(step, epoch, trains=True)
    assert [numbering.of(step, None, trains=False) for step in evaluated] == numbers
