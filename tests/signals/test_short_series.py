"""What robust statistics say of series that are too short to say anything, and of the shortest that say something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from trainadvisor.signals import robust_statistics as robust

if TYPE_CHECKING:
    from collections.abc import Callable

ZIGZAG = [0.0, 3.0, 1.0, 5.0, 2.0, 9.0]


@pytest.mark.parametrize(
    ("statistic", "least", "value"),
    [
        (robust.robust_scale, 1, 0.0),
        (robust.step_noise, 3, 1.4826 * 5.0 / np.sqrt(6.0)),  # of the only second difference: 0 - 2 * 3 + 1
        (robust.lag_one, 4, -(0.75 * 1.25 + 2.75 * 1.25 + 0.75 * 2.25) / (2.25**2 + 0.75**2 + 1.25**2 + 2.75**2)),
        (robust.theil_sen, 2, 3.0),
        (robust.turn_share, 3, 1.0),
    ],
)  # fmt: skip
def test_too_short_a_series_has_none(statistic: Callable[..., float], least: int, value: float) -> None:
    """Which is 0 and a number, like that of the first series that has one."""
    for count in range(least):
        assert statistic(np.array(ZIGZAG[:count])) == 0.0
    assert statistic(np.array(ZIGZAG[:least])) == pytest.approx(value)


def test_a_trend_needs_five_points_and_a_shift_two_on_each_side() -> None:
    """Below that neither is significant."""
    rising = np.arange(8.0)
    assert robust.trend_z(rising[:4]) == 0.0
    assert robust.trend_z(rising[:5]) == 1e6
    assert robust.trend_z(-rising[:5]) == -1e6
    assert robust.shift_z(rising[:1], rising) == robust.shift_z(rising, rising[:1]) == 0.0
    assert robust.shift_z(rising[:2], rising[6:]) > 0 > robust.shift_z(rising[6:], rising[:2])


def test_an_empty_series_stays_empty() -> None:
    """In blocks, smoothed, and before its first bad value."""
    empty = np.array([])
    assert robust.block_means(empty, 5).size == robust.running_median(empty, 3).size == 0
    assert robust.finite_prefix(empty).size == robust.finite(empty).size == 0


def test_a_spike_needs_twenty_values() -> None:
    """The first of which may be passed over."""
    values = np.ones(20)
    values[12] = 9.0
    assert robust.spikes(values[:19], 3.0, 0.5) == []
    assert robust.spikes(values, 3.0, 0.5) == [robust.Spike(12, 13, 8.0)]
    assert robust.spikes(values, 3.0, 0.5, skip=12) == [robust.Spike(12, 13, 8.0)]
    assert robust.spikes(values, 3.0, 0.5, skip=13) == []
    assert robust.spikes(values, 3.0, 8.5) == []
