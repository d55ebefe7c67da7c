"""The learning-rate range test."""

from pathlib import Path

import numpy as np
import pytest
from builders import build_log

from trainadvisor.log.reader import read_log
from trainadvisor.preflight import lr_range_test

GRID = np.geomspace(1e-6, 10.0, 100)


def curve(fall_at: float, break_at: float | None = None) -> np.ndarray:
    """Return a loss of 2 that falls by 1 around one rate and explodes from another on."""
    loss = 2 - 1 / (1 + (fall_at / GRID) ** 2)
    return loss if break_at is None else np.where(break_at <= GRID, 2 + 3 * GRID / break_at, loss)


def test_the_suggestion_is_where_the_loss_falls_fastest() -> None:
    """Over the logarithm of the rate a logistic fall is steepest in its middle."""
    sweep = lr_range_test.judged(GRID, curve(1e-2))
    assert sweep.steepest == pytest.approx(1e-2, rel=0.2)
    assert sweep.suggestion == sweep.steepest
    assert sweep.divergence is None


def test_the_suggestion_is_at_most_a_tenth_of_the_lowest() -> None:
    """A fall that goes straight down to the lowest loss is as steep at its end."""
    loss = np.select([GRID < 1e-2, GRID < 1e-1], [2.0, 2.0 - np.log10(GRID / 1e-2)], 1.0 + np.log10(GRID / 1e-1) / 4)
    sweep = lr_range_test.judged(GRID, loss)
    lowest = float(GRID[int(np.argmin(lr_range_test.smoothed(loss)))])
    assert sweep.suggestion == pytest.approx(min(sweep.steepest or 0.0, lowest / 10))
    assert sweep.suggestion == pytest.approx(1e-2, rel=0.5)


def test_a_dip_before_the_fall_is_not_the_steepest_place() -> None:
    """One that comes back belongs to the noise, however steep it is."""
    loss = curve(1e-1)
    loss[20:26] -= 0.09
    assert lr_range_test.judged(GRID, loss).steepest == pytest.approx(1e-1, rel=0.4)


def test_the_start_is_the_level_of_the_first_quarter() -> None:
    """There no rate does anything yet."""
    sweep = lr_range_test.judged(GRID, curve(1e-2))
    assert sweep.start == pytest.approx(2.0, abs=1e-3)


def test_the_divergence_is_where_the_loss_leaves_for_good() -> None:
    """From there on it stays as far above its start as the best is below; the suggestion keeps away from it."""
    sweep = lr_range_test.judged(GRID, curve(1e-2, break_at=2e-2))
    assert sweep.divergence == pytest.approx(2e-2, rel=0.6)
    assert sweep.suggestion == pytest.approx(sweep.lowest / 10)


def test_noise_gives_no_suggestion() -> None:
    """A loss that only scatters falls nowhere."""
    noise = np.random.default_rng(0).normal(2.0, 0.1, GRID.size)
    assert lr_range_test.judged(GRID, noise).suggestion is None


def test_a_fall_within_the_noise_gives_no_suggestion() -> None:
    """The same fall counts where the loss is quiet and not where it scatters."""
    small = 2 - 0.05 / (1 + (1e-2 / GRID) ** 2)
    noise = np.random.default_rng(1).normal(0.0, 0.2, GRID.size)
    assert lr_range_test.judged(GRID, small).suggestion is not None
    assert lr_range_test.judged(GRID, small + noise).suggestion is None


def test_a_loss_that_only_rises_gives_no_suggestion() -> None:
    """Where no rate helps, none is advised; the divergence is still seen."""
    sweep = lr_range_test.judged(GRID, np.where(GRID < 1e-1, 2.0, 2.0 + GRID))
    assert sweep.suggestion is None
    assert sweep.divergence is not None


def test_smoothing_is_running_medians_then_means() -> None:
    """Held against the plain definition, value by value."""
    values = np.random.default_rng(2).normal(size=30)
    padded = np.pad(values, 2, mode="edge")
    medians = [float(np.median(padded[n : n + 5])) for n in range(30)]
    again = [medians[0]] * 2 + medians + [medians[-1]] * 2
    expected = [sum(again[n : n + 5]) / 5 for n in range(30)]
    assert lr_range_test.smoothed(values) == pytest.approx(expected)


def test_a_log_of_a_range_test_is_read(tmp_path: Path) -> None:
    """Rates and losses are those of the steps."""
    log = read_log(build_log(tmp_path, columns={"loss": curve(1e-2), "lr": list(GRID)}))
    sweep = lr_range_test.sweep_of(log)
    assert sweep is not None
    assert sweep.suggestion == lr_range_test.judged(GRID, curve(1e-2)).suggestion


def test_the_first_nan_is_the_divergence(tmp_path: Path) -> None:
    """A loss that becomes NaN while it still falls diverges at the rate of that step."""
    loss = np.where(GRID > 1e-1, np.nan, curve(1e-2))
    event = {"kind": "nonfinite", "subject": "loss", "step": int(np.flatnonzero(np.isnan(loss))[0])}
    sweep = lr_range_test.sweep_of(
        read_log(build_log(tmp_path, columns={"loss": loss, "lr": list(GRID)}, events=[event]))
    )
    assert sweep is not None
    assert sweep.divergence == pytest.approx(GRID[GRID > 1e-1][0], rel=1e-6)


@pytest.mark.parametrize("lr", [[0.1] * 100, list(GRID[::-1]), list(GRID[:10])])
def test_rates_that_were_not_raised_are_no_range_test(tmp_path: Path, lr: list[float]) -> None:
    """Constant, falling and too few rates say nothing."""
    assert lr_range_test.sweep_of(read_log(build_log(tmp_path, columns={"loss": [2.0] * len(lr), "lr": lr}))) is None
