"""From how many printed values on the median of the last ones counts."""

from __future__ import annotations

import pytest

from trainadvisor.report.forms import junit
from trainadvisor.verify.stdout_metrics import Series


@pytest.mark.parametrize(
    ("values", "last", "noisy"),
    [
        ([5.0], 5.0, False),
        ([9.0, 8.0, 7.0, 6.0, 1.0], 1.0, False),
        ([9.0, 8.0, 7.0, 6.0, 5.5, 1.0], 5.5, True),
        ([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 1.0], 4.0, True),
    ],
)
def test_of_six_values_and_more_the_median_of_three_counts(values: list[float], last: float, *, noisy: bool) -> None:
    """With their noise; of fewer the last one, without any."""
    measure = Series("loss", held_out=False, share=False, values=values).measure
    assert (measure.value, measure.noise > 0) == (last, noisy)


def test_a_document_without_a_rulebook_takes_the_shipped_one() -> None:
    """Whose codes have their texts."""
    assert junit._shipped().get("lr-too-high").code == "lr-too-high"
