"""Robust statistics against naive computations and exact values."""

import numpy as np
import pytest

from trainadvisor.signals import robust_statistics

RNG = np.random.default_rng(0)
NOISE = RNG.normal(0, 1, 4000)


def test_finite_prefix_ends_before_the_first_bad_value() -> None:
    """Values after a NaN or an infinity do not count."""
    assert robust_statistics.finite_prefix(np.array([3.0, 2.0, np.inf, 1.0])).tolist() == [3.0, 2.0]
    assert robust_statistics.finite_prefix(np.array([3.0, 2.0])).tolist() == [3.0, 2.0]


def test_robust_scale_is_the_deviation_of_a_normal_sample_and_ignores_one_outlier() -> None:
    """One huge value moves the standard deviation a hundredfold and the robust scale not at all."""
    spoilt = np.append(NOISE, 1e6)
    assert robust_statistics.robust_scale(spoilt) == pytest.approx(1.0, abs=0.05)
    assert np.std(spoilt) > 1000


def test_step_noise_does_not_see_a_trend() -> None:
    """A steep ramp changes the noise estimate by nothing."""
    ramp = NOISE + 5.0 * np.arange(NOISE.size)
    assert robust_statistics.step_noise(ramp) == pytest.approx(robust_statistics.step_noise(NOISE), rel=1e-9)
    assert robust_statistics.step_noise(NOISE) == pytest.approx(1.0, abs=0.05)
    assert robust_statistics.step_noise(np.arange(10.0)) == 0.0


def test_lag_one_is_the_plain_autocorrelation() -> None:
    """Compared with the textbook sum on a short series."""
    values = np.array([1.0, 2.0, 4.0, 3.0, 5.0])
    centered = values - 3.0
    naive = sum(a * b for a, b in zip(centered[1:], centered[:-1], strict=True)) / sum(c * c for c in centered)
    assert robust_statistics.lag_one(values) == pytest.approx(naive)
    assert robust_statistics.lag_one(np.ones(10)) == 0.0


def test_effective_count_shrinks_with_correlation() -> None:
    """By n (1 - rho) / (1 + rho): 90 values with correlation 0.5 are worth 30, negative correlation gives no bonus."""
    assert robust_statistics.effective_count(90, 0.5) == pytest.approx(30.0)
    assert robust_statistics.effective_count(90, -0.5) == 90.0


def test_head_and_tail_take_a_share_but_at_least_some() -> None:
    """A tenth of twenty is two; asked for at least five, five are given."""
    values = np.arange(20.0)
    assert robust_statistics.head(values, 0.1, 5).tolist() == [0, 1, 2, 3, 4]
    assert robust_statistics.tail(values, 0.1, 5).tolist() == [15, 16, 17, 18, 19]
    assert robust_statistics.tail(values, 0.5, 5).size == 10


@pytest.mark.parametrize("values", [[3.0], [3.0, 1.0], [5.0, 1.0, 2.0], [1.0, np.nan, 2.0], [np.inf, 1.0],
                                    [*NOISE[:500]], [*NOISE[:501]]])  # fmt: skip
def test_the_quick_median_is_the_median(values: list[float]) -> None:
    """To the last bit, with and without a middle, a NaN and an infinity."""
    assert np.array_equal(robust_statistics.median(np.array(values)), np.median(values), equal_nan=True)


def test_block_statistics_cut_into_nearly_equal_parts() -> None:
    """Seven values in three blocks of two, three and two."""
    values = np.array([1.0, 3.0, 5.0, 6.0, 10.0, 20.0, 40.0])
    assert robust_statistics.block_edges(7, 3).tolist() == [0, 2, 5, 7]
    assert robust_statistics.block_medians(values, 3).tolist() == [2.0, 6.0, 30.0]
    assert robust_statistics.block_means(values, 3).tolist() == [2.0, 7.0, 30.0]
    assert robust_statistics.block_centers(7, 3).tolist() == [0.5, 3.0, 5.5]


def test_level_is_the_median_of_means_of_tens() -> None:
    """A rare large loss counts as it does in the mean, a single wild stretch does not."""
    skewed = np.tile([0.0] * 9 + [10.0], 10)
    assert robust_statistics.level(skewed) == 1.0
    assert np.median(skewed) == 0.0


def test_theil_sen_survives_a_third_of_outliers() -> None:
    """The median of all pairwise slopes of a line with wild values is the slope of the line."""
    line = 2.0 * np.arange(30.0)
    line[[3, 9, 14, 20, 25]] += 500.0
    assert robust_statistics.theil_sen(line) == pytest.approx(2.0, abs=0.2)


def test_detrended_removes_line_and_level() -> None:
    """What is left of a straight line is zero."""
    assert np.allclose(robust_statistics.detrended(7.0 - 0.5 * np.arange(12.0)), 0.0)


def test_trend_z_is_signed_and_large_only_for_a_trend() -> None:
    """Noise stays within three standard errors, a slope of a third of the noise over the window does not."""
    quiet = [robust_statistics.trend_z(RNG.normal(0, 1, 240)) for _ in range(200)]
    assert np.mean(np.abs(quiet) > 3) < 0.05
    assert robust_statistics.trend_z(RNG.normal(0, 1, 240) - np.linspace(0, 5, 240)) < -8
    assert robust_statistics.trend_z(np.arange(4.0)) == 0.0


def test_shift_z_measures_a_move_in_standard_errors() -> None:
    """Two windows of 100 with unit noise that differ by 1 are 5.6 standard errors of a median apart."""
    before, after = RNG.normal(0, 1, 100), RNG.normal(1, 1, 100)
    assert robust_statistics.shift_z(before, after) == pytest.approx(1 / (1.2533 * np.sqrt(2 / 100)), rel=0.4)
    assert abs(robust_statistics.shift_z(before, RNG.normal(0, 1, 100))) < 3


def test_turn_share_tells_monotone_from_zigzag_and_noise() -> None:
    """0 for a ramp, 1 for a zigzag, two thirds for independent noise."""
    assert robust_statistics.turn_share(np.arange(10.0)) == 0.0
    assert robust_statistics.turn_share(np.array([0.0, 1.0] * 6)) == 1.0
    assert robust_statistics.turn_share(NOISE) == pytest.approx(2 / 3, abs=0.03)


def test_running_median_looks_back() -> None:
    """Compared with the median of each trailing window."""
    values = np.array([5.0, 1.0, 4.0, 2.0, 3.0])
    assert robust_statistics.running_median(values, 3).tolist() == [5.0, 5.0, 4.0, 2.0, 3.0]


def test_runs_of_gives_start_and_stop() -> None:
    """Runs at both ends are closed."""
    assert robust_statistics.runs_of(np.array([True, True, False, True, False, False, True])) == [
        (0, 2),
        (3, 4),
        (6, 7),
    ]
    assert robust_statistics.runs_of(np.zeros(3, dtype=bool)) == []


def test_spikes_finds_an_excursion_and_leaves_noise_alone() -> None:
    """A lift of ten deviations over four steps is one spike with its height."""
    values = 1.0 + 0.1 * NOISE[:400]
    assert robust_statistics.spikes(values, 8.0, 0.5) == []
    values[200:204] += 2.0
    (spike,) = robust_statistics.spikes(values, 8.0, 0.5)
    assert (spike.start, spike.stop) == (200, 204)
    assert spike.height == pytest.approx(2.0, abs=0.4)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 499, 500, 501, 502, 3999])
def test_medians_and_quantiles_are_those_of_numpy(size: int) -> None:
    """Of few values and of many, to the last bit; of none there is no number."""
    values = NOISE[:size]
    rows = np.lib.stride_tricks.sliding_window_view(NOISE[:40], min(size, 20))
    shares = (0.0, 0.05, 0.37, 0.5, 0.95, 1.0)
    assert robust_statistics.median(values) == np.median(values)
    assert robust_statistics.medians(rows).tolist() == np.median(rows, axis=1).tolist()
    assert robust_statistics.quantiles(values, shares) == np.quantile(values, shares).tolist()
    assert np.isnan(robust_statistics.median(np.empty(0)))


@pytest.mark.parametrize("size", [3, 600])
def test_a_nan_makes_a_median_nan(size: int) -> None:
    """Wherever it stands, and in its row only."""
    spoilt = NOISE[:size].copy()
    spoilt[1] = np.nan
    assert np.isnan(robust_statistics.median(spoilt))
    assert np.isnan(robust_statistics.quantiles(spoilt, (0.1, 0.9))).all()
    assert np.isnan(robust_statistics.medians(np.array([spoilt[:3], NOISE[:3]]))).tolist() == [True, False]
