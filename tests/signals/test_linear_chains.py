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


@pytest.mark.parametrize(
    ("shapes", "factors"),
    [
        ([[2, 8], [8, 2]], True),
        ([[2, 8], [2], [8, 2]], False),
        ([[16, 8], [8, 16]], False),
        ([[8, 2]], False),
    ],
    ids=["word-vectors", "with-a-bias", "wide", "alone"],
)
def test_matrices_without_a_bias_that_meet_at_a_narrow_layer(
    tmp_path: Path, shapes: list[list[int]], *, factors: bool
) -> None:
    """A bias, or a layer as wide as both ends, is no factorization."""
    roles = ["weight" if len(shape) > 1 else "bias" for shape in shapes]
    parameters = [
        parameter(n, f"{n}.{role}", shape, role=role) for n, (role, shape) in enumerate(zip(roles, shapes, strict=True))
    ]
    assert signals_of(tmp_path, models=[make_model(parameters=parameters)])["matrix_factors"] is factors
