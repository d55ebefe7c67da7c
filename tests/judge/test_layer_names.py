"""What a layer is called in a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from builders import build_log

from trainadvisor.judge.object_sites import told_layer
from trainadvisor.log.reader import read_log

if TYPE_CHECKING:
    from pathlib import Path

MODEL = {
    "id": 0, "name": "Sequential", "class": "Sequential", "site": None, "compiled": False, "loaded": False,
    "parameters": [],
    "layers": [{"name": "1", "kind": "Linear", "facts": {}, "parameters": [], "site": None}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("1", "layer 1 (Linear)"),
        ("1.weight", "weight of layer 1 (Linear)"),
        ("4.0", "layer 4.0"),
        ("fc1", "fc1"),
        ("features.0", "features.0"),
    ],
)
def test_a_place_alone_is_told_with_its_kind(tmp_path: Path, name: str, told: str) -> None:
    """A name that says something stays as it is."""
    assert told_layer(read_log(build_log(tmp_path, models=[MODEL])), name) == told
