"""Chains of weight matrices: whether a narrow one limits the map that they make together."""

from pathlib import Path

import pytest
from builders import make_model, parameter, signals_of


@pytest.mark.parametrize(
    ("shapes", "narrow"),
    [
        ([[64, 64], [64, 64], [10, 64]], False),
        ([[64, 64], [4, 64], [10, 4]], True),
        ([[3, 64], [64, 64], [64, 1]], False),
        ([[64, 2], [2, 10]], True),
        ([[8, 64], [10, 7]], None),
        ([[8, 3, 3, 3], [10, 8]], None),
        ([[10, 64]], None),
    ],
    ids=["wide", "narrow", "wide-of-keras", "narrow-of-keras", "no-chain", "convolution", "alone"],
)
def test_a_layer_that_is_narrower_than_both_ends(
    tmp_path: Path, shapes: list[list[int]], *, narrow: bool | None
) -> None:
    """Of torch's outputs x inputs and of Keras's inputs x outputs; nothing is told of what is no chain."""
    parameters = [parameter(number, f"{number}.weight", shape) for number, shape in enumerate(shapes)]
    assert signals_of(tmp_path, models=[make_model(parameters=parameters)])["linear_bottleneck"] is narrow
