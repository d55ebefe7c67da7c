"""Shortcuts of plain steps: the records are those of the long way, field by field, whatever a script does."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from randomloops import Loop, comparable, recorded

from trainadvisor.record.probes import seen_rows
from trainadvisor.record.sampling import Tier
from trainadvisor.record.shortcuts.closing import Closing
from trainadvisor.record.shortcuts.plain_shortcuts import PlainShortcuts

_STEPS = 210
_APART = 37


def _due(tier: Tier, step: int, _: float) -> bool:
    forced, tier.forced = tier.forced, False
    return forced or step < 3 or step - tier.last >= _APART


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples by the step alone, probes that soon have seen enough; return the steps that were closed at once."""
    monkeypatch.setattr(Tier, "due", _due)
    monkeypatch.setattr(Tier, "_gap", lambda *_: _APART)
    monkeypatch.setattr(seen_rows, "_MOST_TRAINED", 64)
    closed: list[int] = []
    original = Closing._write

    def noted(shortcuts: Any, step: Any) -> bool:
        closed.append(step.number)
        return original(shortcuts, step)

    monkeypatch.setattr(Closing, "_write", noted)
    return closed


@pytest.mark.parametrize("way", ["run", "watch"])
@pytest.mark.parametrize("seed", range(100, 112))
def test_records_are_those_of_the_long_way(
    seed: int, way: str, plain: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are those of a training that nobody records."""
    weights, records = recorded(seed, watch=way == "watch", steps=_STEPS)
    taken = len(plain)
    with monkeypatch.context() as patch:
        patch.setattr(PlainShortcuts, "rearm", lambda _: None)
        _, long = recorded(seed, watch=way == "watch", steps=_STEPS)
    assert len(plain) == taken
    assert not records.failures
    assert comparable(records) == comparable(long)
    bare = Loop(seed).run(_STEPS)
    assert all(map(torch.equal, weights, bare)) or any(w.isnan().any() for w in weights)
