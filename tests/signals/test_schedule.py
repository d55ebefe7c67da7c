"""Signals of the learning rate."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, signals_of

STEPS = np.arange(1000)


def rates(folder: Path, lr: Any, **parts: Any) -> Any:
    """Return the signals of a run with these learning rates."""
    return signals_of(folder, columns={"lr": [float(x) for x in lr]}, **parts)


def test_first_peak_final_and_median(tmp_path: Path) -> None:
    """Of 1, 3, 2, 2, 1."""
    seen = rates(tmp_path, [1, 3, 2, 2, 1])
    assert [seen[f"lr_{name}"] for name in ("first", "peak", "final", "median")] == [1, 3, 1, 2]


@pytest.mark.parametrize(
    ("lr", "spent"),
    [
        (0.9**STEPS, 1 - 66 / 1000),
        (np.full(1000, 0.1), 0.0),
        (0.5 * (1 + np.cos(np.pi * STEPS / 1000)), 0.02),
        (1 - STEPS / 1000, 0.0),
        (0.1 ** (STEPS // 400), 0.0),
    ],
    ids=["exponential every batch", "constant", "cosine", "linear", "step"],
)
def test_spent_share_is_the_part_below_a_thousandth(tmp_path: Path, lr: Any, spent: float) -> None:
    """Only a rate that is gone for good counts."""
    assert rates(tmp_path, lr)["lr_spent_share"] == pytest.approx(spent, abs=0.001)


def test_the_step_at_which_the_rate_was_spent(tmp_path: Path) -> None:
    """0.9 ** 66 is the first below a thousandth; a constant rate never is."""
    assert rates(tmp_path, 0.9**STEPS)["lr_spent_step"] == 66
    assert rates(tmp_path, np.full(50, 0.1))["lr_spent_step"] is None


@pytest.mark.parametrize(
    ("lr", "rising"),
    [
        (np.linspace(0, 1, 101), 1.0),
        (np.concatenate([np.linspace(0, 1, 11), np.full(90, 1.0)]), 0.1),
        (np.full(101, 0.1), 0.0),
        (np.linspace(1, 0, 101), 0.0),
        (np.concatenate([np.linspace(0.1, 1, 31), np.linspace(1, 0, 70)]), 0.3),
    ],
    ids=["never done", "warm-up", "constant", "decay", "one cycle"],
)
def test_rising_share_is_the_length_of_the_warm_up(tmp_path: Path, lr: Any, rising: float) -> None:
    """The place of the peak, when the rate starts below it."""
    assert rates(tmp_path, lr)["lr_rising_share"] == pytest.approx(rising, abs=0.001)


def test_interval_counts_optimizer_steps_between_scheduler_steps(tmp_path: Path) -> None:
    """A hundred optimizer steps and five scheduler steps: every twenty."""
    tally = event("tally", {"scheduler_steps": {"0": 5}})
    scheduler = {"id": 0, "class": "ExponentialLR", "site": None, "optimizer": 0, "facts": {"gamma": 0.9}}
    assert rates(tmp_path, [0.1] * 100, schedulers=[scheduler], events=[tally])["scheduler_interval"] == 20.0
    assert rates(tmp_path, [0.1] * 100)["scheduler_interval"] is None


def test_without_rates_nothing_is_known(tmp_path: Path) -> None:
    """Every signal of the rate is absent."""
    seen = signals_of(tmp_path, steps=10)
    assert [seen[f"lr_{name}"] for name in ("first", "peak", "final", "median", "spent_share", "rising_share")] == [
        None
    ] * 6


def test_mean_rate_over_the_peak(tmp_path: Path) -> None:
    """A linear decay to zero uses half of its peak on average, a constant rate all of it."""
    assert rates(tmp_path, np.linspace(0.1, 0, 101))["lr_mean_share"] == pytest.approx(0.5)
    assert rates(tmp_path, [0.1] * 9)["lr_mean_share"] == pytest.approx(1.0)


def test_the_rate_that_the_optimizer_was_made_with(tmp_path: Path) -> None:
    """What a schedule multiplies; where nothing sets it, the rate that was recorded with the optimizer."""
    held = {"groups": [{"lr": 1e-6, "initial_lr": 2e-3, "parameters": []}, {"lr": 1e-6, "parameters": []}]}
    plain = {"groups": [{"lr": 0.1, "parameters": []}]}
    for groups, base in ((held, 2e-3), (plain, 0.1)):
        optimizer = {"id": 0, "class": "AdamW", "site": None, "unknown_parameters": 0, **groups}
        assert rates(tmp_path, [1e-6] * 9, optimizers=[optimizer])["lr_base"] == base
