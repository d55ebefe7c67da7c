"""When a training counts as converged, at and beside each limit."""
# ruff: noqa: FBT001 - what is expected of a table is a truth

from __future__ import annotations

from typing import Any

import pytest

from trainadvisor.judge.summary import converged

FLAT = {"loss_flat_share": 0.5, "loss_trend_z": 1.0}


@pytest.mark.parametrize(
    ("steps", "signals", "told"),
    [
        (100, FLAT, True), (99, FLAT, False), (100, {}, False), (100, FLAT | {"loss_trend_z": None}, True),
        (100, FLAT | {"loss_flat_share": 0.2}, True), (100, FLAT | {"loss_flat_share": 0.19}, False),
        (100, FLAT | {"loss_trend_z": 2.99}, True), (100, FLAT | {"loss_trend_z": 3.0}, False),
        (100, {"loss_trend_z": 0.0}, False), (100, {"lr_peak": 1.0, "lr_final": 0.0}, True),
        (100, {"lr_peak": 1.0, "lr_final": 0.1}, True), (100, {"lr_peak": 1.0, "lr_final": 0.101}, False),
        (100, {"lr_final": 0.0}, False), (100, {"lr_peak": 1.0}, False), (99, {"lr_peak": 1.0, "lr_final": 0.0}, False),
    ],
)  # fmt: skip
def test_what_counts_as_converged(steps: int, signals: dict[str, Any], told: bool) -> None:
    """A loss that was flat for a fifth of the run and no longer falls, or a rate that is spent; not a brief run."""
    assert converged({"judged_steps": steps}, signals) is told
