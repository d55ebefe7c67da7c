"""Signals of validation against training on curves whose values are known."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import make_loss, make_model, signals_of

RNG = np.random.default_rng(2)
TARGET = {"histogram": [100] * 10, "classes": 10, "shape": [32]}


def run(folder: Path, train: Any, held_out: Any, accuracy: Any = None, **parts: Any) -> Any:
    """Signals of a run with these training losses and evaluations spread evenly over it."""
    every = len(train) / len(held_out)
    evals = [
        {
            "step": round((i + 1) * every),
            "loss": v,
            "examples": 400,
            "metrics": {} if accuracy is None else {"accuracy": accuracy[i]},
        }
        for i, v in enumerate(held_out)
    ]
    loss = make_loss(target=TARGET, **parts.pop("facts", {}))
    return signals_of(folder, losses=[loss], columns={"loss": train, "loss_id": 0, "lr": 0.1}, evals=evals, **parts)


def test_best_and_final_of_a_validation_curve_that_turns(tmp_path: Path) -> None:
    """Best and final as the script prints them; the rise is judged by medians of three."""
    seen = run(tmp_path, np.linspace(2, 0.1, 200), [1.0, 0.6, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3])
    assert seen["evals"] == 10
    assert seen["val_loss_first"] == 1.0
    assert seen["val_loss_best"] == pytest.approx(0.6)
    assert seen["val_loss_final"] == pytest.approx(1.3)
    assert seen["best_eval_share"] == pytest.approx(0.2)
    assert seen["best_eval_step"] == 40
    assert seen["evals_after_best"] == 8
    assert seen["val_rise"] == pytest.approx(1.0)
    assert seen["val_rise_share"] == pytest.approx(0.6 / math.log(10))
    assert seen["val_rise_of_gain"] == pytest.approx(0.6 / (math.log(10) - 0.6))
    assert seen["train_fall_after_best"] > 0.8


def test_a_rise_where_nothing_had_been_gained(tmp_path: Path) -> None:
    """A validation loss that never was below the trivial one has nothing to lose."""
    seen = run(tmp_path, np.linspace(2, 0.1, 200), [2.4, 2.5, 2.6, 2.7, 2.8, 2.9, 3.0, 3.1])
    assert seen["val_rise_of_gain"] == 0.0


def test_one_lucky_evaluation_is_not_the_best(tmp_path: Path) -> None:
    """A single low value between high ones is shown as the best, with its step, and smoothed away where it decides."""
    seen = run(tmp_path, np.linspace(2, 1, 100), [1.5, 1.4, 0.1, 1.3, 1.2, 1.1, 1.0, 0.9])
    assert (seen["val_loss_best"], seen["best_eval_step"]) == (0.1, 38)
    assert seen["evals_after_best"] <= 1
    assert seen["val_rise"] == pytest.approx(1.0 / 0.9 - 1)


def test_skill_gap_at_the_end_and_at_the_best(tmp_path: Path) -> None:
    """Validation that never leaves the trivial loss while training is solved: the gap is the training skill."""
    train = np.concatenate([np.linspace(2.3, 0.1, 50), np.full(150, 0.1)])
    seen = run(tmp_path, train, [2.3, 2.0, 1.9, 1.85, 1.84])
    assert seen["val_skill_best"] == pytest.approx(1 - 1.85 / math.log(10), abs=0.01)
    assert seen["skill_gap_best"] == pytest.approx((1.85 - 0.1) / math.log(10), abs=0.02)
    assert seen["val_train_ratio_best"] == pytest.approx(18.5, rel=0.02)
    assert seen["skill_gap"] > 0.7


def test_summed_losses_give_no_validation_skill(tmp_path: Path) -> None:
    """Batches of other sizes make sums incomparable."""
    assert run(tmp_path, [70.0] * 60, [500.0] * 6, facts={"reduction": "sum"})["val_skill_best"] is None


def test_noise_of_an_evaluation_ignores_the_trend(tmp_path: Path) -> None:
    """Twenty evaluations on a slope with noise 0.1."""
    slope = np.linspace(2, 1, 60)
    seen = run(tmp_path, np.linspace(2, 1, 600), slope + 0.1 * RNG.normal(size=60))
    assert seen["val_noise"] == pytest.approx(0.1, rel=0.4)
    assert run(tmp_path, np.linspace(2, 1, 600), slope)["val_noise"] == pytest.approx(0.0, abs=1e-9)


def test_val_trend_and_straightness(tmp_path: Path) -> None:
    """A straight fall is significant and half of it lies in the second half."""
    seen = run(tmp_path, np.linspace(2, 1, 600), np.linspace(2, 1, 30))
    assert seen["val_straightness"] == pytest.approx(0.5, abs=0.03)
    assert seen["val_trend_z"] > 10


def test_accuracies_and_their_error(tmp_path: Path) -> None:
    """Final and best as the script prints them, the error binomial."""
    accuracy = [0.5, 0.6, 0.9, 0.7, 0.7, 0.8]
    seen = run(tmp_path, [1.0] * 60, [1.0] * 6, accuracy)
    assert seen["val_accuracy_final"] == 0.8
    assert seen["val_accuracy_best"] == 0.9
    assert seen["val_examples"] == 400
    assert seen["val_accuracy_error"] == pytest.approx(math.sqrt(0.8 * 0.2 / 400))


def test_accuracies_in_percent_are_shares(tmp_path: Path) -> None:
    """One above 1 shows it, also for those that are below; shares stay what they are, up to 1."""
    seen = run(tmp_path, [1.0] * 60, [1.0] * 3, [0.8, 60.0, 75.0])
    assert (seen["val_accuracy_final"], seen["val_accuracy_best"]) == (0.75, 0.75)
    assert run(tmp_path, [1.0] * 60, [1.0] * 3, [0.8, 0.9, 1.0])["val_accuracy_final"] == 1.0


def test_without_evaluations_everything_is_absent(tmp_path: Path) -> None:
    """No evaluation: no level, no gap, no best."""
    seen = signals_of(tmp_path, losses=[make_loss(target=TARGET)], columns={"loss": [1.0] * 60, "loss_id": 0})
    assert seen["evals"] == 0
    assert [seen[n] for n in ("val_loss_final", "best_eval_share", "skill_gap", "val_swing", "accuracy_gap")] == [
        None
    ] * 5


def test_running_statistics_remember_their_start(tmp_path: Path) -> None:
    """Momentum 0.001 over 1,000 steps leaves 0.999^1000 of the initial values, the default leaves nothing."""
    slow = make_model(("bn", "BatchNorm2d", {"momentum": 0.001}), ("fc", "Linear", 4, 2))
    seen = signals_of(tmp_path, models=[slow], columns={"loss": [1.0] * 1000})
    assert seen["norm_momentum"] == 0.001
    assert seen["norm_initial_share"] == pytest.approx(0.999**1000)
    assert seen["norm_momentum_needed"] == pytest.approx(1 - 0.01 ** (1 / 250))
    usual = make_model(("bn", "BatchNorm2d", {"momentum": 0.1}), ("fc", "Linear", 4, 2))
    assert signals_of(tmp_path, models=[usual], columns={"loss": [1.0] * 1000})["norm_initial_share"] < 1e-40
    without = make_model(("a", "Linear", 4, 8))
    assert signals_of(tmp_path, models=[without], columns={"loss": [1.0] * 1000})["norm_initial_share"] == 0.0


def test_hidden_width_leaves_the_output_out(tmp_path: Path) -> None:
    """The narrowest of 64 and 3 units; the output with one unit does not count."""
    model = make_model(("a", "Linear", 8, 64), ("b", "Linear", 64, 3), ("c", "Linear", 3, 1))
    seen = signals_of(tmp_path, models=[model], columns={"loss": [1.0] * 10})
    assert seen["hidden_width_min"] == 3
    assert seen["parameter_count"] == (8 * 64 + 64) + (64 * 3 + 3) + (3 + 1)


def test_best_evaluation_before_the_rate_was_gone(tmp_path: Path) -> None:
    """Half of the run has no rate: what counts is where the best of the evaluations before that lies."""
    rates = np.where(np.arange(200) < 100, 0.1, 1e-9)
    settled = [0.5, 0.3, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.38] + [0.38] * 10
    falling = [1.0 - 0.05 * i for i in range(10)] + [0.55] * 10
    for curve, place in ((settled, 1 / 9), (falling, 1.0)):
        evals = [{"step": 10 * i + 10, "loss": v, "examples": 400, "metrics": {}} for i, v in enumerate(curve)]
        columns = {"loss": np.linspace(2, 1, 200), "loss_id": 0, "lr": rates}
        seen = signals_of(tmp_path, losses=[make_loss(target=TARGET)], columns=columns, evals=evals)
        assert seen["best_eval_before_spent"] == pytest.approx(place)


def test_without_a_spent_rate_there_is_nothing_before_it(tmp_path: Path) -> None:
    """A constant rate never vanishes: nothing shows that validation had settled before."""
    assert run(tmp_path, np.linspace(2, 1, 100), [0.1] + [1.0] * 9)["best_eval_before_spent"] == 1.0


def test_accuracy_lift_counts_standard_errors_above_the_most_frequent_label(tmp_path: Path) -> None:
    """Ten even classes and 400 examples: one standard error is 1.5 %, and 11.5 % is one of them above chance."""
    seen = run(tmp_path, np.linspace(2, 1, 100), [2.0] * 4, accuracy=[0.1, 0.115, 0.1, 0.1])
    assert seen["val_accuracy_lift"] == pytest.approx(0.015 / math.sqrt(0.1 * 0.9 / 400))
    assert run(tmp_path, np.linspace(2, 1, 100), [2.0] * 4)["val_accuracy_lift"] is None


def test_a_loss_that_falls_to_its_last_evaluation_has_not_risen(tmp_path: Path) -> None:
    """Though the median of the last three lies above the last one."""
    held_out = [0.687, 0.678, 0.658, 0.597, 0.542, 0.503, 0.401, 0.301]
    assert run(tmp_path, np.linspace(0.7, 0.3, 160), held_out)["val_rise_z"] <= 0
