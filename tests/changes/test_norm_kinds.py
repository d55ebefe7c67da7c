"""Which norm is put behind which layer."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from trainadvisor.changes.normalization_layers import _groups, _norm


@pytest.mark.parametrize(
    ("layer", "to", "norm"),
    [
        (nn.Linear(2, 6), "batch", nn.BatchNorm1d(6)), (nn.Linear(2, 6), "layer", nn.LayerNorm(6)),
        (nn.Linear(2, 6), "group", nn.LayerNorm(6)), (nn.Conv1d(2, 6, 3), "batch", nn.BatchNorm1d(6)),
        (nn.Conv2d(2, 6, 3), "batch", nn.BatchNorm2d(6)), (nn.Conv3d(2, 6, 3), "batch", nn.BatchNorm3d(6)),
        (nn.Conv2d(2, 6, 3), "layer", nn.GroupNorm(1, 6)), (nn.Conv2d(2, 6, 3), "group", nn.GroupNorm(2, 6)),
    ],
)  # fmt: skip
def test_a_norm_fits_its_layer(layer: Any, to: str, norm: nn.Module) -> None:
    """Of as many dimensions as the layer has, over its outputs."""
    assert repr(_norm(to, layer)) == repr(norm)


@pytest.mark.parametrize(
    ("to", "wide", "groups"),
    [("group", 16, 8), ("group", 12, 4), ("group", 6, 2), ("group", 7, 1), ("layer", 16, 1)],
)
def test_groups_divide_the_channels(to: str, wide: int, groups: int) -> None:
    """Eight, or the largest power of two below that does; a layer norm has one."""
    assert _groups(to, wide) == groups
