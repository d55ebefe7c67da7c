"""A part of a loss whose outputs run up to 1 and never beyond, though its targets lie there."""

from pathlib import Path

import pytest
from builders import make_loss, signals_of


def _loss(largest: float, *, batches: int = 24, above: float = 0.9) -> dict[str, object]:
    prediction = {"shape": [32, 4], "min": 0.3, "max": largest, "batches": batches, "in_unit_interval": largest <= 1}
    target = {"shape": [32, 4], "min": 0.0, "max": 28.0, "above_one_share": above, "batches": batches}
    return make_loss("smooth_l1_loss", prediction=prediction, target=target)


def test_outputs_that_push_against_one(tmp_path: Path) -> None:
    """The share of the targets above 1, the kind of the loss and its largest target."""
    signals = signals_of(tmp_path, steps=40, losses=[_loss(0.9999)])
    names = ("capped_target_share", "capped_loss", "capped_target_max")
    assert [signals[name] for name in names] == [0.9, "smooth_l1_loss", 28.0]


@pytest.mark.parametrize(("largest", "batches"), [(0.8, 24), (1.3, 24), (0.9999, 8)])
def test_outputs_that_may_be_free(tmp_path: Path, largest: float, batches: int) -> None:
    """Outputs that stay below, those that pass 1, and a few batches."""
    assert signals_of(tmp_path, steps=40, losses=[_loss(largest, batches=batches)])["capped_target_share"] == 0
