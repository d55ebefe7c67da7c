"""Validation against training, of few evaluations and two levels of the training loss, worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import make_loss, signals_of

if TYPE_CHECKING:
    from pathlib import Path

Course = tuple[list[float], list[float], dict[str, Any]]
FALLEN = [2.0] * 50 + [1.0] * 50
CASES: dict[str, tuple[Course, dict[str, Any]]] = {
    "fallen and risen again": (
        ([3.0, 2.5, 2.0, 1.5, 1.5, 1.5, 2.0, 2.5, 3.0, 3.0], FALLEN, {}),
        {"evals": 10, "val_loss_first": 3.0, "val_loss_final": 3.0, "val_loss_best": 1.5, "best_eval_share": 0.4,
         "best_eval_before_spent": 1.0, "best_eval_step": 40, "evals_after_best": 6, "val_noise": 0.0,
         "val_relative_noise": 0.0, "val_rise": 1.0, "val_rise_z": 1e6, "val_skill_final": 0.25,
         "val_skill_best": 0.625,
         "val_skill_lost": 0.375, "val_train_ratio": 3.0, "val_train_gap": 2.0, "val_train_ratio_best": 0.75,
         "skill_gap": 0.5, "skill_gap_best": -0.125, "train_fall_after_best": 0.5, "val_gap_share_best": -0.125,
         "val_swing": 0.08, "val_trend_z": -1e6, "val_rise_share": 0.375, "val_rise_of_gain": 0.6,
         "val_noise_share": 0.0},
    ),
    "still falling": (
        ([3.0, 2.5, 2.0, 1.5, 1.25, 1.0, 1.0, 0.75, 0.75, 0.5], FALLEN, {}),
        {"val_loss_final": 0.5, "best_eval_share": 1.0, "best_eval_step": 100, "evals_after_best": 0,
         "val_noise": 0.1513172, "val_relative_noise": 0.1513172 / 0.75, "val_rise": 0.5, "val_rise_z": 0.0,
         "val_skill_final": 0.8125, "val_skill_best": 0.875, "val_skill_lost": 0.0625, "val_train_ratio": 0.75,
         "val_train_gap": -0.5, "val_train_ratio_best": 0.5, "skill_gap": -0.0625, "train_fall_after_best": 0.0,
         "val_swing": 0.0816497, "val_rise_share": 0.0625, "val_rise_of_gain": 0.0625 / 0.875,
         "val_noise_share": 0.1513172 / 4},
    ),
    "risen while the rate was spent": (
        ([3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0], [2.0] * 60 + [0.5] * 60,
         {"lr": [0.1] * 70 + [0.0] * 50}),
        {"best_eval_share": 0.25, "best_eval_before_spent": 1 / 3, "evals_after_best": 9, "val_rise": 2.0,
         "val_skill_lost": 0.5, "val_train_ratio": 6.0, "skill_gap": 0.625, "train_fall_after_best": 0.75,
         "val_rise_of_gain": 2 / 3},
    ),
    "nothing gained": (
        ([3.9, 3.9, 4.0, 4.25, 4.5], [3.5] * 50, {}), {"val_rise_of_gain": 0.0},
    ),
    "five evaluations": (
        ([3.0, 2.5, 2.0, 1.5, 1.5], [2.0] * 25 + [1.0] * 25, {}),
        {"best_eval_share": 0.8, "evals_after_best": 1, "val_noise": 0.0, "val_rise": 0.0, "val_swing": 0.1,
         "val_trend_z": None, "val_train_ratio": 1.5, "val_gap_share_best": 0.125},
    ),
    "four evaluations": (
        ([3.0, 2.5, 2.0, 1.5], [2.0] * 25 + [1.0] * 15, {}),
        {"best_eval_share": 1.0, "best_eval_step": 40, "val_noise": None, "val_relative_noise": None,
         "val_rise_z": None,
         "val_swing": None, "val_noise_share": None, "evals_after_best": 0},
    ),
    "two evaluations": (
        ([3.0, 2.5], [2.0] * 25 + [1.0] * 25, {}),
        {"best_eval_share": None, "best_eval_step": None, "evals_after_best": None, "val_rise": 0.0,
         "val_skill_final": 0.375, "val_train_ratio": 1.25, "val_train_gap": 1.5, "val_train_ratio_best": None,
         "skill_gap": 0.375, "skill_gap_best": None, "train_fall_after_best": None, "val_gap_share_best": None},
    ),
    "no evaluation": (
        ([], [2.0] * 60, {}),
        {"evals": 0, "val_loss_first": None, "val_loss_final": None, "val_loss_best": None, "val_rise": None,
         "val_skill_lost": None, "val_train_ratio": None, "val_train_gap": None, "skill_gap": None,
         "val_rise_share": None,
         "val_rise_of_gain": None, "best_eval_before_spent": 1.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_validation_beside_training(tmp_path: Path, name: str) -> None:
    """An evaluation every ten steps; a constant answer gets 4."""
    (losses, train, columns), told = CASES[name]
    evals = [{"step": 10 * n, "loss": loss, "losses": {"0": loss}, "loss_id": 0} for n, loss in enumerate(losses, 1)]
    made = signals_of(
        tmp_path, columns={"loss": train, "loss_id": 0} | columns, evals=evals,
        losses=[make_loss("mse_loss", target={"variance": 4.0})],
    )  # fmt: skip
    assert {signal: made[signal] for signal in told} == pytest.approx(told)
