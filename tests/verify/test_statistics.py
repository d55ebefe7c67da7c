"""Gains over paired seeds."""

import math

import numpy as np
import pytest
from scipy import stats

from trainadvisor.verify.paired_gains import effect, interval


def test_the_interval_is_students():
    """It agrees with the t-interval of scipy over the same gains."""
    gains = [0.4, 0.5, 0.45]
    low, high = stats.t.interval(0.95, 2, np.mean(gains), stats.sem(gains))
    assert interval(gains, 0.0) == pytest.approx((low, high))


def test_one_pair_has_the_interval_of_its_own_noise():
    """Without other seeds only the noise within the runs is known."""
    assert interval([1.0], 0.1) == pytest.approx((1 - 0.1959964, 1 + 0.1959964))


def test_a_gain_within_the_scatter_over_seeds_is_not_clear():
    """Two standard errors of the mean are not exceeded."""
    found = effect([0.02, 0.3, 0.04], [0.0] * 3, 0.01)
    assert found.margin == pytest.approx(2 * np.std([0.02, 0.3, 0.04], ddof=1) / math.sqrt(3))
    assert not found.clear


def test_a_gain_beyond_the_scatter_is_clear():
    """The quiet scatter leaves the least gain as margin."""
    found = effect([0.30, 0.31, 0.32], [0.01] * 3, 0.05)
    assert (found.margin, found.clear, found.wins) == (0.05, True, 3)


def test_one_lost_pair_is_not_clear():
    """No pair may be lost."""
    assert not effect([1.0, 1.0, 1.0, -0.1], [0.0] * 4, 0.01).clear


def test_a_pair_in_which_both_did_well_is_a_tie():
    """Where the fault depends on luck, a seed without it says nothing against the remedy."""
    found = effect([0.26, 0.0, 0.3], [0.0] * 3, 0.05)
    assert (found.wins, found.ties, found.losses, found.clear) == (2, 1, 0, True)


def test_a_tie_of_the_script_itself_is_no_win():
    """The script's own seeds are what is to be cured."""
    assert not effect([0.0, 0.3], [0.0] * 2, 0.05).clear


def test_noise_within_the_runs_widens_the_margin():
    """A gain of two accuracies from few examples has to exceed twice its standard error."""
    assert effect([0.1], [0.06], 0.05).margin == pytest.approx(0.12)


def test_a_gain_that_ties_thin_out_is_not_clear():
    """One pair that was won just so, and two that were not, are no remedy; one that was won by far is."""
    assert not effect([0.06, 0.01, 0.0], [0.0] * 3, 0.05).clear
    assert effect([0.9, 0.01, 0.0], [0.0] * 3, 0.05).clear
