"""Rewards of chosen and rejected answers in the log of a preference training, worked out by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from builders import build_log

from trainadvisor.log.reader import read_log
from trainadvisor.signals import Signals

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = [0.125, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
REJECTED = [-0.25, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0, -8.0, -9.0]
LOSS = [0.6875, 0.5, 0.375, *[0.25] * 9]
WHOLE = {
    "preference_reward_largest": 9.0,
    "preference_loss_from_even": math.log(2) - 0.25,
    "preference_gradient": 6.0,
    "preference_first_reward": 0.25,
    "preference_chosen_late": 4.25,
    "preference_rejected_late": -7.5,
    "preference_margin_early": 1.125,
    "preference_margin_late": 11.75,
    "preference_accuracy_late": 0.75,
    "preference_accuracy_held_out": 0.875,
}


def preference(folder: Path, length: int = 12, first: int = 0, **changed: Any) -> dict[str, Any]:
    """Return what the log of a preference training gives, with some of its columns changed or left out."""
    columns = {
        "loss": LOSS, "rewards/chosen": CHOSEN, "rewards/rejected": REJECTED,
        "rewards/accuracies": [0.5] * 8 + [0.75] * 4,
        "grad_norm": [2.0, 6.0, *[1.0] * 10],
    } | changed  # fmt: skip
    rows = [
        {"step": first + n, **{name: values[n] for name, values in columns.items() if values is not None}}
        for n in range(length)
    ]
    evals = [{"step": n, "metrics": {"eval_rewards/accuracies": 0.5 + n / 32}} for n in (4, 8, 12)]
    log = read_log(build_log(folder, steps=rows, evals=evals, source="import"))
    signals = Signals(log)
    return {name: signals[name] for name in WHOLE}


def test_figures_of_a_preference_training(tmp_path: Path) -> None:
    """Levels are medians of thirds; the margin is the difference of both rewards where none was logged."""
    assert preference(tmp_path) == pytest.approx(WHOLE)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rewards/rejected": None}, {"preference_reward_largest": 5.0, "preference_first_reward": None,
                                      "preference_rejected_late": None, "preference_margin_late": None}),
        ({"rewards/chosen": None}, {"preference_reward_largest": 9.0, "preference_first_reward": None,
                                    "preference_loss_from_even": None, "preference_gradient": None,
                                    "preference_chosen_late": None, "preference_margin_early": None}),
        ({"rewards/margins": [0.5] * 6 + [0.75] * 6}, {"preference_margin_early": 0.5, "preference_margin_late": 0.75}),
        ({"rewards/chosen": None, "rewards/rejected": None}, {"preference_reward_largest": None}),
        ({"grad_norm": [None] * 7 + [1.0, 2.0, 8.0, 4.0, 2.0]}, {"preference_gradient": 8.0}),
        ({"grad_norm": [None] * 8 + [1.0, 2.0, 8.0, 4.0]}, {"preference_gradient": None}),
        ({"length": 10}, {"preference_loss_from_even": math.log(2) - 0.25, "preference_first_reward": 0.25}),
        ({"length": 9}, {"preference_loss_from_even": None, "preference_first_reward": None}),
        ({"first": 1}, {"preference_first_reward": 0.25}),
        ({"first": 2}, {"preference_first_reward": None}),
    ],
)  # fmt: skip
def test_what_is_missing_is_not_made_up(tmp_path: Path, changed: dict[str, Any], told: dict[str, Any]) -> None:
    """One kind of reward, too few of them, too few gradients, a beginning that was not logged."""
    made = preference(tmp_path, **changed)
    assert {name: made[name] for name in told} == pytest.approx(told)
