"""Signals of what was loaded into models."""

from pathlib import Path
from typing import Any

from builders import event, signals_of


def _load(into: int, share: float, **more: Any) -> dict[str, Any]:
    return event("state-load", {"into": into, "copied_share": share, "used_share": 0.25, **more})


def test_the_last_load_into_the_worst_module_is_told(tmp_path: Path) -> None:
    """Module 0 was loaded again, as a whole; of the others module 2 got least."""
    details = {"lost_share": 0.75, "copied": 1, "keys": 8, "missing": ["a", "b"], "unexpected": ["m.a"]}
    loads = [_load(0, 0.0), _load(1, 0.9), _load(2, 0.1, strip="m.", add="", reshaped=0, **details), _load(0, 1.0)]
    seen = signals_of(tmp_path, steps=5, events=loads)
    assert seen["partial_loads"] == 3
    assert (seen["load_copied_share"], seen["load_used_share"], seen["load_lost_share"]) == (0.1, 0.25, 0.75)
    assert (seen["load_copied_keys"], seen["load_keys"]) == (1, 8)
    assert (seen["load_missing_key"], seen["load_unexpected_key"], seen["load_prefix"]) == ("a", "m.a", "m.")
    assert seen["load_lacking_prefix"] is None
    assert seen["load_reshaped_keys"] is None


def test_a_run_without_such_loads(tmp_path: Path) -> None:
    """Their number is zero, and unknown for an imported log."""
    assert signals_of(tmp_path, steps=5)["partial_loads"] == 0
    assert signals_of(tmp_path, steps=5)["load_copied_share"] is None
    assert signals_of(tmp_path, steps=5, source="import:csv")["partial_loads"] is None


def test_kept_state_dicts_are_counted(tmp_path: Path) -> None:
    """The last use is told; without one the count is zero."""
    uses = [event("kept-weights", {"taken": 2, "used": 5}), event("kept-weights", {"taken": 3, "used": 9})]
    seen = signals_of(tmp_path, steps=9, events=uses)
    assert (seen["stale_weight_uses"], seen["kept_at"], seen["kept_used_at"]) == (2, 3, 9)
    assert signals_of(tmp_path, steps=9)["stale_weight_uses"] == 0
    assert signals_of(tmp_path, steps=9)["kept_at"] is None
    assert signals_of(tmp_path, steps=9, source="import:csv")["stale_weight_uses"] is None
