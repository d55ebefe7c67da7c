"""What a remedy against lost time or memory is measured by."""

import pytest
from builders import log_of

from trainadvisor.verify.resource_metrics import READERS, mean_step_seconds, own_measures, seconds_an_example


def run(folder, **columns):
    """Return the log of a run with these columns."""
    return log_of(folder, columns={"loss": [1.0] * 43, **columns})


@pytest.mark.parametrize(
    ("columns", "seconds"),
    [
        ({"seconds": 0.5, "batch": [8] * 30 + [4] * 13}, 0.0625),
        ({"seconds": 0.5, "batch": [None] * 42 + [8]}, 0.0625),
        ({"seconds": 0.5, "batch": 0}, None),
        ({"seconds": 0.5}, None),
        ({"batch": 8}, None),
    ],
)
def test_the_time_of_an_example_is_that_of_a_step_over_its_batch(tmp_path, columns, seconds):
    """The medians of both, unknown where one of them is."""
    assert seconds_an_example(run(tmp_path, **columns)) == seconds


def test_slow_steps_count_in_the_mean(tmp_path):
    """A single one of ten seconds does."""
    quick, slow = run(tmp_path, seconds=0.5), run(tmp_path, seconds=[0.5] * 42 + [10.0])
    assert mean_step_seconds(slow) - mean_step_seconds(quick) == pytest.approx(9.5 / 43)
    assert mean_step_seconds(run(tmp_path)) is None
    assert mean_step_seconds(run(tmp_path, seconds=0.0)) is None


def test_a_finding_is_measured_by_what_its_rule_names(tmp_path):
    """Lower is better; what was not recorded, and names that are none, are left out."""
    found = own_measures(run(tmp_path, seconds=0.5, wait=0.125), ["waiting for data", "seconds an example", "x"])
    assert {name: (measure.value, measure.higher) for name, measure in found.items()} == {
        "waiting for data": (0.25, False)
    }
    everything = own_measures(
        run(tmp_path, seconds=0.5, wait=0.125, batch=8, memory=[100 + n for n in range(43)]), READERS
    )
    assert set(everything) == set(READERS)
