"""What the targets are and whether they can be learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_loss, signals_of

BALANCED = {"histogram": [100, 100], "shape": [32], "integer": True, "classes": 2}


def of(folder: Path, loss: Any, **parts: Any) -> Any:
    """Signals of a run that calls this loss."""
    return signals_of(folder, **{"columns": {"loss": [1.0] * 5, "loss_id": [0] * 5}, "losses": [loss], **parts})


def test_moments(tmp_path: Path) -> None:
    """Mean, spread, ends and root mean square of regression targets."""
    signals = of(tmp_path, make_loss("mse_loss", target={"mean": 3.0, "std": 4.0, "min": -1.0, "max": 9.0}))
    names = ("target_mean", "target_std", "target_min", "target_max", "target_scale")
    assert [signals[name] for name in names] == [3.0, 4.0, -1.0, 9.0, 5.0]


def test_classes_have_no_scale(tmp_path: Path) -> None:
    """Class numbers are no quantities."""
    assert of(tmp_path, make_loss(target={"mean": 4.5, "std": 2.9}))["target_scale"] is None


def test_balance(tmp_path: Path) -> None:
    """Classes that occurred, largest share, largest over smallest."""
    signals = of(tmp_path, make_loss(target={"histogram": [90, 0, 9, 1]}))
    assert (signals["target_classes"], signals["target_majority_share"], signals["imbalance_ratio"]) == (3, 0.9, 90.0)


def test_binary_balance(tmp_path: Path) -> None:
    """With one output the mean of the labels tells the balance."""
    target = {"mean": 0.1, "examples": 1000, "integer": True, "shape": [32, 1]}
    signals = of(tmp_path, make_loss("binary_cross_entropy_with_logits", target=target))
    assert signals["imbalance_ratio"] == pytest.approx(9.0)


def test_multi_label_has_no_balance(tmp_path: Path) -> None:
    """Many columns of labels are not two classes."""
    target = {"mean": 0.1, "examples": 1000, "integer": True, "shape": [32, 12]}
    assert of(tmp_path, make_loss("binary_cross_entropy", target=target))["imbalance_ratio"] is None


def test_predictions(tmp_path: Path) -> None:
    """The last evaluations tell which classes are predicted."""
    shares = (0.5, 0.9, 1.0)
    evals = [
        {"step": i + 1, "majority_share": s, "classes_predicted": n}
        for i, (s, n) in enumerate(zip(shares, (3, 2, 1), strict=True))
    ]
    signals = of(tmp_path, make_loss(target=BALANCED), evals=evals)
    assert signals["predicted_majority_share"] == pytest.approx(0.95)
    assert signals["predicted_classes"] == 1


@pytest.mark.parametrize(
    ("loaders", "order"),
    [
        ([{"id": 0, "role": "train", "shuffle": True, "batches": 30}], "shuffled"),
        ([{"id": 0, "role": "train", "shuffle": False, "batches": 30}], "sequential"),
        ([{"id": 0, "role": "train", "shuffle": None}], "unknown"),
        ([{"id": 0, "role": "train", "shuffle": False, "iterable": True}], "unknown"),
        ([{"id": 0, "role": "eval", "shuffle": False}], "unknown"),
        ([], "unknown"),
    ],
)
def test_order(tmp_path: Path, loaders: Any, order: str) -> None:
    """The order is known of a loader over a data set only."""
    assert of(tmp_path, make_loss(target=BALANCED), loaders=loaders)["train_order"] == order


def test_train_batches(tmp_path: Path) -> None:
    """The length of the training loader."""
    loaders = [{"id": 0, "role": "eval", "batches": 2}, {"id": 1, "role": "train", "batches": 30}]
    assert of(tmp_path, make_loss(), loaders=loaders)["train_batches"] == 30


def test_mixing(tmp_path: Path) -> None:
    """Label entropy within batches over that of random batches."""
    target = {"batch_entropy": 0.5, "batch_entropy_expected": 2.0, "batches": 5}
    assert of(tmp_path, make_loss(target=target))["label_mixing"] == 0.25
    assert of(tmp_path, make_loss(target={**target, "batches": 4}))["label_mixing"] is None


def test_ranges(tmp_path: Path) -> None:
    """Labels out of range, and targets of a binary loss that are no probabilities."""
    assert of(tmp_path, make_loss(target={"out_of_range": 3}))["out_of_range_labels"] == 3
    assert of(tmp_path, make_loss())["out_of_range_labels"] == 0
    assert (
        of(tmp_path, make_loss("binary_cross_entropy", target={"min": -1.0, "max": 1.0}))["improbable_targets"] == 1.0
    )
    assert (
        of(tmp_path, make_loss("binary_cross_entropy", target={"min": 0.0, "max": 255.0}))["improbable_targets"]
        == 254.0
    )
    assert of(tmp_path, make_loss("mse_loss", target={"min": -5.0, "max": 5.0}))["improbable_targets"] == 0.0


@pytest.mark.parametrize(
    ("kind", "target", "share"),
    [
        ("cosine_embedding_loss", {"min": 0.0, "max": 1.0, "mean": 0.25, "integer": True}, 0.75),
        ("soft_margin_loss", {"min": 0.0, "max": 0.0, "mean": 0.0, "integer": True}, 1.0),
        ("hinge_embedding_loss", {"min": -1.0, "max": 1.0, "mean": 0.0, "integer": True}, 0.0),
        ("margin_ranking_loss", {"min": 1.0, "max": 1.0, "mean": 1.0, "integer": True}, 0.0),
        ("margin_ranking_loss", {"min": 0.0, "max": 2.0, "mean": 0.5, "integer": True}, 0.0),
        ("soft_margin_loss", {"min": 0.0, "max": 1.0, "mean": 0.5, "integer": False}, 0.0),
        ("binary_cross_entropy", {"min": 0.0, "max": 1.0, "mean": 0.5, "integer": True}, 0.0),
    ],
)
def test_labels_of_0_belong_to_no_case_of_a_loss_that_takes_signs(tmp_path, kind, target, share):
    """It takes 1 and -1; the loss is named where there are zeros."""
    signals = of(tmp_path, make_loss(kind, target=target))
    assert signals["unsigned_label_share"] == share
    assert signals["signed_loss"] == (kind if share else None)


def test_ignored(tmp_path: Path) -> None:
    """The share of labels equal to ignore_index."""
    assert of(tmp_path, make_loss(target={"ignored_share": 0.85}))["ignored_share"] == 0.85


def epochs(*levels: float, size: int = 20) -> dict[str, Any]:
    """Loss and epoch columns with one level an epoch."""
    losses = np.repeat(levels, size)
    return {"loss": losses.tolist(), "loss_id": 0, "epoch": np.repeat(np.arange(len(levels)), size).tolist()}


def test_first_pass(tmp_path: Path) -> None:
    """The loss of the second half of the first epoch is that on unseen examples."""
    h0 = float(np.log(2))
    signals = of(tmp_path, make_loss(target=BALANCED), columns=epochs(0.5 * h0, 0.2 * h0))
    assert signals["first_pass_skill"] == pytest.approx(0.5)


def test_first_pass_needs_a_second_epoch(tmp_path: Path) -> None:
    """While the first epoch runs, or when it is short, nothing is said."""
    h0 = float(np.log(2))
    assert of(tmp_path, make_loss(target=BALANCED), columns=epochs(h0))["first_pass_skill"] is None
    assert of(tmp_path, make_loss(target=BALANCED), columns=epochs(h0, h0, size=6))["first_pass_skill"] is None


def test_memorized(tmp_path: Path) -> None:
    """A bad start that is made up for does not count as memorized."""
    h0 = float(np.log(2))
    signals = of(tmp_path, make_loss(target=BALANCED), columns=epochs(1.5 * h0, h0, 0.95 * h0, 0.9 * h0, 0.85 * h0))
    assert signals["memorised_skill"] == pytest.approx(0.15)
    assert signals["memorised_z"] > 4


def test_nothing_memorized(tmp_path: Path) -> None:
    """A loss that stays at the trivial level gives no significance."""
    h0, noise = float(np.log(2)), np.array([0.01, -0.01, 0.01, -0.01, 0.01, -0.01])
    signals = of(tmp_path, make_loss(target=BALANCED), columns=epochs(*(h0 + noise)))
    assert signals["memorised_skill"] < 0.02
    assert abs(signals["memorised_z"]) < 3


def test_classes_whose_labels_count(tmp_path: Path) -> None:
    """The ignored number is no class; too few labels say nothing."""
    target = {"histogram": [90.0, 0.0, 30.0], "examples": 120}

    def counted(target: dict[str, object], **loss: object) -> object:
        return signals_of(tmp_path, steps=3, losses=[make_loss(target=target, **loss)])["counted_classes"]

    assert [counted(target), counted(target, ignore_index=0), counted(target, ignore_index=-100)] == [2, 1, 2]
    assert counted({"histogram": [90.0, 3.0], "examples": 93}, ignore_index=0) is None
