"""Signals of the shape of the training curve, on curves whose every value can be worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from builders import make_loss, signals_of

from trainadvisor.signals import robust_statistics

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(7)


def curve(folder: Path, losses: Any, **columns: Any) -> Any:
    """Return the signals of a run with these losses."""
    columns = {"lr": 0.1, **columns}
    return signals_of(folder, losses=[make_loss("custom")], columns={"loss": losses, "loss_id": 0, **columns})


def zigzag(count: int, size: float = 0.1) -> Any:
    """Return noise whose blocks all have the mean zero: up, down, down, up."""
    return size * np.array([1, -1, -1, 1] * (count // 4))


def test_relative_slope_is_twice_the_fall_between_the_halves_of_the_last_fifth(tmp_path: Path) -> None:
    """The last 20 of 100 steps: ten of 6, ten of 4, so 2 * 2 / 4; the sign is that of a fall."""
    assert curve(tmp_path, [9.0] * 80 + [6.0] * 10 + [4.0] * 10)["loss_slope_relative"] == 1.0
    assert curve(tmp_path, [9.0] * 80 + [4.0] * 10 + [8.0] * 10)["loss_slope_relative"] == -1.0
    assert curve(tmp_path, [1.0] * 90 + [-1.0] * 10)["loss_slope_relative"] == 4.0
    assert curve(tmp_path, [1.0] * 90 + [0.0] * 10)["loss_slope_relative"] is None


def test_thirty_steps_are_enough_and_twentynine_are_not(tmp_path: Path) -> None:
    """Statistics of the whole curve need thirty steps, those of its second half sixty."""
    names = ("loss_trend_z", "loss_slope_relative", "loss_rise_z", "loss_flat_share", "loss_repeat_share")
    enough, few = (curve(tmp_path, np.linspace(2.0, 1.0, count)) for count in (30, 29))
    assert [name for name in names if enough[name] is None] == []
    assert [few[name] for name in names] == [None] * 5
    late = ("loss_swing", "loss_turn_share", "loss_spike_count")
    enough, few = (curve(tmp_path, np.linspace(2.0, 1.0, count)) for count in (60, 59))
    assert [name for name in late if enough[name] is None] == []
    assert [few[name] for name in late] == [None] * 3


def test_trend_looks_at_the_last_third_and_a_fall_is_positive(tmp_path: Path) -> None:
    """What happened before does not count; rising is negative."""
    steps = np.arange(300)
    late = 2.0 + 0.01 * RNG.normal(size=300)
    assert abs(curve(tmp_path, np.where(steps < 200, 9 - 0.035 * steps, late))["loss_trend_z"]) < 4
    assert curve(tmp_path, np.where(steps < 200, late, late - 0.002 * (steps - 200)))["loss_trend_z"] > 8
    assert curve(tmp_path, np.where(steps < 200, late, late + 0.002 * (steps - 200)))["loss_trend_z"] < -8


def test_straightness_is_the_part_of_the_fall_behind_the_middle(tmp_path: Path) -> None:
    """From 3 over 1.5 to 1: a quarter of the fall; a fall within the noise has no shape."""
    assert curve(tmp_path, [3.0] * 40 + [1.5] * 20 + [1.0] * 40)["loss_straightness"] == 0.25
    assert curve(tmp_path, [1.0] * 50 + [2.0] * 50)["loss_straightness"] is None
    assert curve(tmp_path, [1.0] * 100)["loss_straightness"] is None


def test_the_fall_has_a_shape_from_five_standard_errors_on(tmp_path: Path) -> None:
    """With noise of one and ten steps a window that is a fall of 1.6."""
    noise = np.random.default_rng(3).normal(size=100)
    noise[:10] -= noise[:10].mean()
    noise[-10:] -= noise[-10:].mean()
    small, clear = noise.copy(), noise.copy()
    small[:10] += 1.5
    clear[:10] += 1.7
    assert curve(tmp_path, small)["loss_straightness"] is None
    assert curve(tmp_path, clear)["loss_straightness"] is not None


def test_rise_is_measured_from_the_best_tenth_to_the_last(tmp_path: Path) -> None:
    """In standard errors: a rise of one with a scatter of 0.1 is large, none is small."""
    noise = 0.1 * RNG.normal(size=100)
    assert curve(tmp_path, np.array([2.0] * 50 + [1.0] * 10 + [2.0] * 40) + noise)["loss_rise_z"] > 15
    assert curve(tmp_path, np.array([2.0] * 50 + [1.0] * 50) + noise)["loss_rise_z"] < 4


def test_rise_share_counts_what_lies_above_the_middle_of_best_and_last(tmp_path: Path) -> None:
    """Fifty blocks of two steps do not exist: twenty of five; the last eight lie above."""
    assert curve(tmp_path, [1.0] * 60 + [3.0] * 40)["loss_rise_share"] == pytest.approx(0.4)
    assert curve(tmp_path, np.linspace(3.0, 1.0, 100))["loss_rise_share"] < 0.1


def test_a_run_that_blew_up_is_dated_by_its_first_loss_above_the_start(tmp_path: Path) -> None:
    """A run that ends below its start by the middle between best and last."""
    blown = curve(tmp_path, [2.0] * 50 + [2.5] + [9.0] * 49)
    assert blown["divergence_step"] == 50
    partly = curve(tmp_path, [9.0] * 10 + [1.0] * 50 + [3.0] * 40)
    assert partly["divergence_step"] == 60


def test_a_flat_end_is_counted_from_the_last_block_above_it(tmp_path: Path) -> None:
    """Blocks of five steps: 13 of 20 fall, seven are flat; a curve that is level throughout is all flat."""
    assert curve(tmp_path, [*np.linspace(9.0, 2.0, 65), *[1.0] * 35])["loss_flat_share"] == pytest.approx(0.35)
    assert curve(tmp_path, [1.0] * 100)["loss_flat_share"] == 1.0
    edge = [[1.0 + part] * 65 + [1.0] * 35 for part in (0.0019, 0.0021)]
    assert [curve(tmp_path, losses)["loss_flat_share"] for losses in edge] == [1.0, pytest.approx(0.35)]


def test_swing_is_the_scatter_of_the_second_half_over_its_level(tmp_path: Path) -> None:
    """Blocks of three steps of 1 and 3 by turns: a deviation of one over a level of two; the sign does not matter."""
    losses = np.array([9.0] * 120 + ([1.0] * 3 + [3.0] * 3) * 20)
    seen = curve(tmp_path, losses)
    assert (seen["loss_swing"], seen["loss_turn_share"]) == (pytest.approx(0.5), 1.0)
    assert curve(tmp_path, -losses)["loss_swing"] == pytest.approx(0.5)
    assert curve(tmp_path, [1.0] * 60 + [0.0] * 60)["loss_swing"] is None


def test_a_monotone_second_half_never_turns(tmp_path: Path) -> None:
    """Whatever the first half does."""
    losses = [1.0, 5.0] * 30 + list(np.linspace(4.0, 2.0, 60))
    seen = curve(tmp_path, losses)
    assert (seen["loss_turn_share"], seen["loss_swing"]) == (0.0, pytest.approx(0.0, abs=1e-12))


def test_wander_of_noise_that_cancels_is_nothing_and_without_noise_it_is_unknown(tmp_path: Path) -> None:
    """What independent batches would give is the step noise over the root of a block's steps."""
    assert curve(tmp_path, 1 + zigzag(320))["loss_wander"] == pytest.approx(0.0, abs=1e-9)
    assert curve(tmp_path, 2 - np.arange(128) / 64)["loss_wander"] is None


def test_repeated_losses_are_those_that_equal_the_one_before(tmp_path: Path) -> None:
    """Ten of forty moves are none."""
    assert curve(tmp_path, [*range(31), *[30.0] * 10])["loss_repeat_share"] == 0.25


def test_a_spike_has_to_come_back_and_to_stand_out(tmp_path: Path) -> None:
    """One that lasts to the end is a rise, one of less than 30 % of the fall is small, the first tenth is start."""
    calm = np.concatenate([np.linspace(3.0, 1.0, 100), np.full(300, 1.0)]) + 0.005 * RNG.normal(size=400)
    counts = {}
    for name, (start, stop, height) in {
        "spike": (200, 210, 0.8),
        "small": (200, 210, 0.5),
        "at the end": (375, 400, 0.8),
        "at the start": (30, 38, 2.0),
    }.items():
        losses = calm.copy()
        losses[start:stop] += height
        counts[name] = curve(tmp_path, losses)["loss_spike_count"]
    assert counts == {"spike": 1, "small": 0, "at the end": 0, "at the start": 0}


def test_a_row_of_high_steps_is_no_spike_where_single_ones_are_as_high_by_chance(tmp_path: Path) -> None:
    """A loss of small batches: a third of the steps is as high."""
    losses = np.concatenate([np.linspace(3.0, 1.0, 100), np.full(300, 1.0)])
    losses[100::3] += 2.0
    losses[221:224] = 3.0
    assert curve(tmp_path, losses)["loss_spike_count"] == 0


def test_small_batches_need_longer_spikes(tmp_path: Path) -> None:
    """Five steps of 128 examples, or as many steps as hold 128."""
    calm = np.concatenate([np.linspace(3.0, 1.0, 100), np.full(300, 1.0)]) + 0.005 * RNG.normal(size=400)
    calm[200:205] += 1.5
    assert [curve(tmp_path, calm, batch=batch)["loss_spike_count"] for batch in (128, 64, 10)] == [1, 1, 0]


def test_height_and_rate_of_the_largest_and_first_spike(tmp_path: Path) -> None:
    """The rate doubled at the spike; without a spike there is no height, and no rate."""
    calm = np.concatenate([np.linspace(3.0, 1.0, 100), np.full(300, 1.0)])
    rates = [0.1] * 195 + [0.2] * 205
    losses = calm.copy()
    losses[200:210] += 1.0
    losses[300:310] += 1.5
    seen = curve(tmp_path, losses, lr=rates)
    first, best = np.median(losses[:3]), seen["loss_best"]
    assert seen["loss_spike_height"] == pytest.approx(1.5 / (first - best))
    assert (seen["loss_spike_step"], seen["loss_spike_lr_ratio"]) == (202, 2.0)
    quiet = curve(tmp_path, calm, lr=rates)
    assert (quiet["loss_spike_height"], quiet["loss_spike_step"], quiet["loss_spike_lr_ratio"]) == (0.0, None, None)
    assert curve(tmp_path, np.linspace(1.0, 3.0, 100))["loss_spike_height"] is None
    lowered = curve(tmp_path, losses, lr=[0.2] * 202 + [0.1] * 198)
    assert lowered["loss_spike_lr_ratio"] == 1.0


def test_a_run_that_never_falls_has_no_spikes(tmp_path: Path) -> None:
    """There is no fall that they could undo."""
    seen = curve(tmp_path, [1.0] * 200 + [5.0] * 10 + [1.0] * 190)
    assert (seen["loss_spike_count"], seen["loss_spike_height"]) == (0, None)


def test_peak_is_the_highest_block_behind_the_first_tenth_over_the_first_loss(tmp_path: Path) -> None:
    """The start does not count."""
    assert curve(tmp_path, [2.0] * 3 + [50.0] * 7 + [1.0] * 40 + [5.0] * 10 + [1.0] * 40)["loss_peak_ratio"] == 2.5
    assert curve(tmp_path, [-1.0] * 100)["loss_peak_ratio"] is None


def test_steps_to_zero_continue_the_fall_of_the_last_third(tmp_path: Path) -> None:
    """From 4 by 0.01 a step: the level of the last tenth over the slope; none for what does not fall."""
    losses = 4.0 - 0.01 * np.arange(288)
    seen = curve(tmp_path, losses)
    assert seen["steps_to_zero"] == pytest.approx(seen["loss_final"] / 0.01)
    assert curve(tmp_path, 1.0 + 0.01 * np.arange(300))["steps_to_zero"] is None
    assert curve(tmp_path, -0.01 * np.arange(300))["steps_to_zero"] is None


def test_the_trend_is_that_of_24_stretches_of_the_last_third(tmp_path: Path) -> None:
    """96 of 288 steps, four a stretch."""
    losses = 3.0 - 0.002 * np.arange(288) + 0.01 * RNG.normal(size=288)
    means = losses[-96:].reshape(24, 4).mean(axis=1)
    assert curve(tmp_path, losses)["loss_trend_z"] == pytest.approx(-robust_statistics.trend_z(means))


def test_the_middle_of_a_short_run_is_as_wide_as_its_ends(tmp_path: Path) -> None:
    """Three steps at each end of thirty, four in the middle: (2.25 - 1) / (4 - 1)."""
    losses = [4.0] * 4 + [2.0] * 9 + [3.0] + [2.0] * 13 + [1.0] * 3
    assert curve(tmp_path, losses)["loss_straightness"] == pytest.approx(1.25 / 3)


def test_the_level_of_the_end_is_that_of_the_last_three_tenths(tmp_path: Path) -> None:
    """Five of twenty blocks are flat, so that most of the last six are."""
    assert curve(tmp_path, [*np.linspace(9.0, 2.0, 75), *[1.0] * 25])["loss_flat_share"] == pytest.approx(0.25)


def test_a_fall_within_the_noise_of_steps_or_of_stretches_is_flat(tmp_path: Path) -> None:
    """Either is enough; without both a fall of 0.3 counts."""
    high = np.array([0.3] * 264 + [0.0] * 136)
    slow = np.array([0.0] * 264 + [part for part in (0.0, 0.1, 0.2) * 6 for _ in range(8)][:136])
    assert curve(tmp_path, 1 + high)["loss_flat_share"] == pytest.approx(0.34)
    assert curve(tmp_path, 1 + high + zigzag(400, 1.0))["loss_flat_share"] == 1.0
    assert curve(tmp_path, 1 + high + slow)["loss_flat_share"] == 1.0


def test_wander_takes_the_noise_of_the_second_half(tmp_path: Path) -> None:
    """A quiet start does not make the noise of the end a wave."""
    noise = 0.1 * np.random.default_rng(2).normal(size=200)
    assert curve(tmp_path, [*np.linspace(3.0, 1.0, 200), *(1 + noise)])["loss_wander"] == pytest.approx(1.0, abs=0.3)


def test_below_sixty_steps_there_are_no_spikes_to_date(tmp_path: Path) -> None:
    """The count is unknown."""
    seen = curve(tmp_path, np.linspace(2.0, 1.0, 59))
    assert (seen["loss_spike_count"], seen["loss_spike_step"], seen["loss_spike_height"]) == (None, None, None)
