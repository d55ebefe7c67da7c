"""What a cell of a table of curves holds."""

import pytest

from trainadvisor.importers.formats import delimited


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.5", 1.5), ("-2e-3", -0.002), ("1,5", 1.5), ("", None), ("NA", None), ("n/a", None), ("-", None),
        ("warmup", "warmup"),
    ],
)  # fmt: skip
def test_a_cell_is_a_number_a_word_or_nothing(cell: str, value: object) -> None:
    """In either notation; what stands for nothing is nothing."""
    assert delimited._value(cell) == value
