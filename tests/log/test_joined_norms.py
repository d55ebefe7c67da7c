"""Norms of whole parameters out of those of their parts."""

from __future__ import annotations

import numpy as np

from trainadvisor.log.combining import _joined


def test_norms_are_joined_at_the_steps_of_all_processes() -> None:
    """The square root of the sum of squares over the number of copies, for no layer in particular."""
    one, two, three = np.array([3.0, 1.0]), np.array([4.0, 1.0]), np.array([9.0])
    columns = [[(0, 5, one), (2, 5, one)], [(2, 7, two), (4, 7, two), (0, 7, three)]]
    ((step, place, norms),) = _joined(columns, np.array([1.0, 2.0]))
    assert (step, place, norms.tolist()) == (2, -1, [5.0, 1.0])


def test_a_norm_that_no_process_has_is_unknown() -> None:
    """One that a process has whole is its own."""
    columns = [[(0, 1, np.array([np.nan, 3.0]))], [(0, 1, np.array([np.nan, 4.0]))]]
    ((_, _, norms),) = _joined(columns, np.array([1.0, np.nan]))
    np.testing.assert_array_equal(norms, [np.nan, 3.0])
