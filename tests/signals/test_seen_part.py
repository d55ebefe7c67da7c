"""Passes over a training loader that were all broken off after the same first part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from builders import event, signals_of

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("equal_passes", "batches_seen", "batches_there", "seen_part")
TOLD = {"passes": 5, "most": 2, "batches": 8}


def _found(folder: Path, *told: dict[str, Any]) -> list[Any]:
    loaders = [{"id": number, "role": role} for number, role in enumerate(("train", "eval"))]
    signals = signals_of(folder, steps=[{"loss": 1.0}] * 5, loaders=loaders, events=list(told))
    return [signals.get(name) for name in NAMES]


def test_the_last_count_of_a_training_loader_holds(tmp_path: Path) -> None:
    """Two batches of eight are a quarter."""
    first = event("broken-passes", {"loader": 0, "passes": 3, "most": 1, "batches": 8})
    assert _found(tmp_path, first, event("broken-passes", {"loader": 0, **TOLD})) == [5, 2, 8, 0.25]


@pytest.mark.parametrize(("kind", "loader"), [("broken-passes", 1), ("sampler-epochs", 0)])
def test_nothing_is_known_of_other_loaders_or_by_other_events(tmp_path: Path, kind: str, loader: int) -> None:
    """An evaluation may well look at the first batches only."""
    assert _found(tmp_path, event(kind, {"loader": loader, **TOLD})) == [None] * 4
