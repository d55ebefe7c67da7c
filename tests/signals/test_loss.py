"""Signals of the training loss on curves whose values are known."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import event, make_loss, signals_of

RNG = np.random.default_rng(1)


def curve(
    folder: Path, losses: Any, target: dict[str, Any] | None = None, kind: str = "cross_entropy", **facts: Any
) -> Any:
    """Signals of a run with these losses and one loss function."""
    loss = make_loss(kind, target=target or {"histogram": [100] * 10, "classes": 10, "shape": [32]}, **facts)
    return signals_of(folder, losses=[loss], columns={"loss": losses, "loss_id": 0, "lr": 0.1})


def test_trivial_loss_of_cross_entropy_is_the_entropy_of_the_labels(tmp_path: Path) -> None:
    """Balanced classes give ln K, three to one gives the binary entropy of a quarter."""
    assert curve(tmp_path, [2.3] * 30)["trivial_loss"] == pytest.approx(math.log(10))
    uneven = curve(tmp_path, [0.5] * 30, {"histogram": [75, 25], "classes": 2})
    assert uneven["trivial_loss"] == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25))
    assert uneven["uniform_loss"] == pytest.approx(math.log(2))


def test_trivial_loss_of_regression_is_variance_or_absolute_deviation(tmp_path: Path) -> None:
    """Per column where that is known: a constant prediction may differ from column to column."""
    assert curve(tmp_path, [1.0] * 30, {"variance": 4.0}, "mse_loss")["trivial_loss"] == 4.0
    assert curve(tmp_path, [1.0] * 30, {"variance": 4.0, "variance_columns": 3.0}, "mse_loss")["trivial_loss"] == 3.0
    assert curve(tmp_path, [1.0] * 30, {"abs_deviation": 0.7}, "l1_loss")["trivial_loss"] == 0.7


def test_trivial_loss_of_binary_targets_is_the_entropy_of_their_mean(tmp_path: Path) -> None:
    """A tenth of ones: H(0.1)."""
    seen = curve(tmp_path, [0.3] * 30, {"mean": 0.1, "integer": True}, "binary_cross_entropy_with_logits")
    assert seen["trivial_loss"] == pytest.approx(0.325083, abs=1e-6)


def test_a_summed_loss_is_compared_with_a_summed_yardstick(tmp_path: Path) -> None:
    """Reduction sum over a batch of 32 multiplies the trivial loss by 32."""
    assert curve(tmp_path, [73.0] * 30, reduction="sum")["trivial_loss"] == pytest.approx(32 * math.log(10))


@pytest.mark.parametrize("told", [{"terms": 40.0}, {}])
def test_padding_is_no_part_of_a_summed_loss(tmp_path: Path, told: dict[str, Any]) -> None:
    """Of 64 labels 24 are ignored; the sum is divided by 50: the yardstick is 40 / 50 of that of one label."""
    target = {"histogram": [100] * 10, "shape": [64], "ignored_share": 0.375}
    seen = curve(tmp_path, [73.0] * 30, target, reduction="sum", divisor=50.0, **told)
    assert seen["trivial_loss"] == pytest.approx(0.8 * math.log(10))


def test_label_smoothing_raises_trivial_loss_and_floor(tmp_path: Path) -> None:
    """With smoothing 0.1 over 10 classes a perfect prediction still loses the entropy of (0.91, 9 x 0.01)."""
    smooth = curve(tmp_path, [1.0] * 30, label_smoothing=0.1)
    floor = -0.91 * math.log(0.91) - 9 * 0.01 * math.log(0.01)
    assert smooth["loss_floor"] == pytest.approx(floor)
    assert smooth["trivial_loss"] == pytest.approx(math.log(10))
    assert smooth["skill"] == pytest.approx((math.log(10) - 1.0) / (math.log(10) - floor))


@pytest.mark.parametrize(
    "change", [{"weighted": True}, {"target": {"soft": True, "histogram": [50, 50]}}, {"kind": "custom"}]
)
def test_no_trivial_loss_where_it_is_not_exact(tmp_path: Path, change: dict[str, Any]) -> None:
    """Class weights, soft targets and unknown losses leave skill absent."""
    seen = curve(tmp_path, [1.0] * 30, **change)
    assert seen["trivial_loss"] is None
    assert seen["skill"] is None


def test_a_composite_loss_is_custom(tmp_path: Path) -> None:
    """Steps whose loss is no single function's output have no loss id."""
    seen = signals_of(tmp_path, losses=[make_loss()], columns={"loss": [1.0] * 30, "lr": 0.1})
    assert seen["loss_kind"] == "custom"
    assert seen["trivial_loss"] is None


def test_levels_of_a_ramp(tmp_path: Path) -> None:
    """The first loss, the level of the last tenth, the drop from the median of three, the distance to the trivial."""
    seen = curve(tmp_path, np.linspace(2.0, 1.0, 101))
    assert seen["loss_first"] == pytest.approx(2.0)
    assert seen["loss_final"] == pytest.approx(1.045)
    assert seen["loss_drop"] == pytest.approx((1.99 - 1.045) / 1.99)
    assert seen["skill"] == pytest.approx(1 - 1.045 / math.log(10))


def test_best_and_lost_share_of_a_curve_that_turns(tmp_path: Path) -> None:
    """Down from 2 to 1 and half way back: half of the fall is lost."""
    losses = [*np.linspace(2, 1, 100), *[1.0] * 50, *np.linspace(1, 1.5, 50), *[1.5] * 100]
    seen = curve(tmp_path, losses)
    assert seen["loss_best"] == pytest.approx(1.0)
    assert seen["loss_lost_share"] == pytest.approx(0.5, abs=0.01)
    assert seen["loss_ratio_to_best"] == pytest.approx(1.5)


def test_non_finite_loss_ends_the_series(tmp_path: Path) -> None:
    """Levels use what came before the infinity."""
    seen = curve(tmp_path, [1.0] * 20 + [math.inf] + [math.nan] * 10)
    assert seen["loss_nonfinite"] is True
    assert seen["nonfinite_step"] == 20
    assert seen["loss_steps"] == 20
    assert seen["loss_final"] == 1.0


def test_a_loss_that_was_logged_now_and_then_is_not_broken(tmp_path: Path) -> None:
    """One value in ten steps, as an imported log has it."""
    losses = [1.0 if i % 10 == 0 else None for i in range(100)]
    assert curve(tmp_path, losses)["loss_nonfinite"] is False


def test_a_reported_nan_loss_counts_though_the_column_cannot_tell(tmp_path: Path) -> None:
    """A NaN reads like an absent value; the event says what it was."""
    losses = [1.0] * 20 + [math.nan]
    seen = signals_of(
        tmp_path, columns={"loss": losses, "lr": 0.1}, events=[event("nonfinite", {"name": "loss"}, "loss", step=20)]
    )
    assert seen["nonfinite_step"] == 20


def test_skill_z_is_small_for_noise_about_the_trivial_loss_and_large_below_it(tmp_path: Path) -> None:
    """Mean distance over the standard error of the last tenth."""
    noise = 0.05 * RNG.normal(size=500)
    assert abs(curve(tmp_path, math.log(10) + noise)["skill_z"]) < 4
    assert curve(tmp_path, math.log(10) - 0.2 + noise)["skill_z"] > 15


def test_learning_start_share(tmp_path: Path) -> None:
    """A plateau at chance for 40 % of the run, then a drop for good."""
    losses = [math.log(10)] * 200 + [0.5] * 300
    assert curve(tmp_path, losses)["learning_start_share"] == pytest.approx(0.4)
    assert curve(tmp_path, [math.log(10)] * 500)["learning_start_share"] == 1.0


def test_straightness_of_known_curves(tmp_path: Path) -> None:
    """One half for a straight line, little for an exponential, more than one half when the fall speeds up."""
    time = np.linspace(0, 1, 300)
    assert curve(tmp_path, 2 - time)["loss_straightness"] == pytest.approx(0.5, abs=0.02)
    assert curve(tmp_path, 2 * np.exp(-8 * time))["loss_straightness"] < 0.05
    assert curve(tmp_path, 2 - time**3)["loss_straightness"] > 0.7
    assert curve(tmp_path, 2 + 0.1 * RNG.normal(size=300))["loss_straightness"] is None


def test_flat_share_counts_from_the_last_significant_fall(tmp_path: Path) -> None:
    """Falls for 40 % of the run, level with noise afterwards."""
    losses = np.concatenate([np.linspace(2, 1, 200), np.ones(300)]) + 0.01 * RNG.normal(size=500)
    assert curve(tmp_path, losses)["loss_flat_share"] == pytest.approx(0.6, abs=0.05)


def test_wander_is_one_for_batch_noise_and_large_for_a_wave(tmp_path: Path) -> None:
    """Independent steps average out over blocks, a slow wave does not."""
    noise = 0.1 * RNG.normal(size=400)
    assert curve(tmp_path, 1 + noise)["loss_wander"] == pytest.approx(1.0, abs=0.3)
    wave = curve(tmp_path, 1 + noise + 0.4 * np.sin(np.arange(400) / 6))
    assert wave["loss_wander"] > 3
    assert wave["loss_swing"] == pytest.approx(0.4 / math.sqrt(2), rel=0.3)


def test_rise_is_dated(tmp_path: Path) -> None:
    """The loss leaves the middle between best and final for good at step 300 of 400."""
    losses = [*np.linspace(2, 0.5, 200), *[0.5] * 100, *[3.0] * 100]
    seen = curve(tmp_path, np.array(losses) + 0.01 * RNG.normal(size=400))
    assert seen["loss_rise_share"] == pytest.approx(0.25, abs=0.02)
    assert seen["divergence_step"] == pytest.approx(300, abs=8)
    assert seen["loss_rise_z"] > 50


def test_a_hard_batch_is_no_lasting_spike(tmp_path: Path) -> None:
    """One step of ten times the loss does not count, six steps do."""
    losses = np.concatenate([np.linspace(2, 0.5, 100), np.full(300, 0.5)]) + 0.02 * RNG.normal(size=400)
    single = losses.copy()
    single[[200, 300]] += 5.0
    assert curve(tmp_path, single)["loss_spike_count"] == 0
    lasting = losses.copy()
    lasting[200:206] += 3.0
    lasting[300:306] += 1.5
    seen = curve(tmp_path, lasting)
    assert seen["loss_spike_count"] == 2
    assert seen["loss_spike_step"] == pytest.approx(202, abs=2)
    assert seen["loss_spike_height"] == pytest.approx(2.0, abs=0.2)
    assert seen["loss_spike_lr_ratio"] == 1.0


def test_short_runs_leave_statistics_absent(tmp_path: Path) -> None:
    """Twelve steps have levels, but no trend, noise or swing."""
    seen = curve(tmp_path, [1.0] * 12)
    assert seen["loss_final"] == 1.0
    assert [seen[n] for n in ("loss_noise", "loss_trend_z", "loss_swing", "loss_straightness")] == [None] * 4


def test_repeat_share_and_first_ratio(tmp_path: Path) -> None:
    """A loss that is bit for bit the same at every step, at twice ln 10."""
    seen = curve(tmp_path, [2 * math.log(10)] * 40)
    assert seen["loss_repeat_share"] == 1.0
    assert seen["loss_first_ratio"] == pytest.approx(2.0)


def _falling(start: float, end: float, steps: int) -> Any:
    return np.geomspace(start, end, steps) + 0.02 * RNG.normal(size=steps)


def test_a_term_that_comes_late_begins_a_new_comparison(tmp_path: Path) -> None:
    """As another function, or as a jump of a composite loss that falls again; best and rise are those since then."""
    jumped = np.concatenate([_falling(2.0, 0.3, 150), _falling(6.0, 2.0, 250)])
    custom = signals_of(tmp_path, losses=[make_loss("custom")], columns={"loss": jumped, "loss_id": 0, "lr": 0.1})
    other = signals_of(
        tmp_path,
        losses=[make_loss("mse_loss"), make_loss("custom") | {"id": 1}],
        columns={"loss": jumped, "loss_id": [0] * 150 + [1] * 250, "lr": 0.1},
    )
    for seen in (custom, other):
        assert seen["loss_ratio_to_best"] < 1.2
        assert seen["loss_lost_share"] < 0.1
        assert seen["loss_start"] > 5.0


def test_a_loss_that_rises_for_good_keeps_its_best(tmp_path: Path) -> None:
    """One term that jumps, a sum that climbs within ten steps, one that stays up, and functions that take turns."""
    stays = np.concatenate([_falling(2.0, 0.3, 150), 4.0 + 0.02 * RNG.normal(size=250)])
    climbs = np.concatenate([_falling(2.0, 0.3, 150), np.geomspace(0.4, 8.0, 10), _falling(8.0, 4.0, 240)])
    jumped = np.concatenate([_falling(2.0, 0.3, 150), _falling(6.0, 2.0, 250)])
    assert curve(tmp_path, jumped, {"variance": 2.0}, "mse_loss")["loss_ratio_to_best"] > 5
    for values in (stays, climbs):
        seen = signals_of(tmp_path, losses=[make_loss("custom")], columns={"loss": values, "loss_id": 0, "lr": 0.1})
        assert seen["loss_ratio_to_best"] > 5
    turns = signals_of(
        tmp_path,
        losses=[make_loss("mse_loss"), make_loss("l1_loss") | {"id": 1}],
        columns={"loss": stays, "loss_id": [0, 1] * 200, "lr": 0.1},
    )
    assert turns["loss_ratio_to_best"] > 5


@pytest.mark.parametrize(
    ("part", "rest", "fall"),
    [(0.01, np.linspace(1.0, 0.5, 100), 0.5), (0.01, np.full(100, 1.0), 0.0), (2.0, np.linspace(1.0, 0.5, 100), 0.0)],
    ids=["the rest falls", "the rest stays", "the rest is the smaller one"],
)
def test_the_rest_of_a_loss_may_be_what_is_learned(tmp_path: Path, part: float, rest: Any, fall: float) -> None:
    """Beside the part by which skill is measured, where that part is smaller: cross entropy and Dice of few pixels."""
    term = make_loss("binary_cross_entropy_with_logits", id=0)
    whole = make_loss("custom", id=1, target={}, parts=[0])
    columns = {"loss": part + rest, "loss_id": 1, "part": part, "part_id": 0}
    assert signals_of(tmp_path, losses=[term, whole], columns=columns)["ungraded_fall"] == pytest.approx(fall, abs=0.06)
    alone = {"loss": np.full(100, part), "loss_id": 0}
    assert signals_of(tmp_path, losses=[term], columns=alone).get("ungraded_fall") is None
