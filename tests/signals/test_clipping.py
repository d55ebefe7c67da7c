"""Signals of gradient clipping."""

from pathlib import Path

import pytest
from builders import event, signals_of


def test_share_and_coefficient(tmp_path: Path) -> None:
    """Half of the norms are twice the limit, half of them half of it."""
    seen = signals_of(tmp_path, columns={"clip_norm": [2.0, 0.5] * 50, "clip_max": 1.0})
    assert seen["clip_share"] == pytest.approx(0.5)
    assert seen["clip_coefficient"] == pytest.approx(0.75)
    assert seen["clip_max"] == 1.0
    assert seen["clips"] is True


def test_the_first_tenth_does_not_count(tmp_path: Path) -> None:
    """Gradients are large while a run starts."""
    seen = signals_of(tmp_path, columns={"clip_norm": [9.0] * 10 + [0.5] * 90, "clip_max": 1.0})
    assert seen["clip_share"] == 0.0


def test_a_run_that_does_not_clip(tmp_path: Path) -> None:
    """Nothing is clipped, and that is known for recorded runs but not for imported ones."""
    assert signals_of(tmp_path, steps=10)["clips"] is False
    assert signals_of(tmp_path, steps=10)["clip_share"] is None
    assert signals_of(tmp_path, steps=10, source="import:csv")["clips"] is None


def test_clipping_by_value_is_clipping(tmp_path: Path) -> None:
    """It has no norm, so no share."""
    seen = signals_of(tmp_path, columns={"clip_value": [1.0] * 10})
    assert (seen["clips"], seen["clip_share"]) == (True, None)


def test_clippings_behind_the_step_are_a_share_of_all(tmp_path: Path) -> None:
    """Nine of ten are late; without any clipping the share is zero, without counts it is not known."""
    late = event("late-clip", {"limit": 0.5})
    seen = signals_of(
        tmp_path, steps=10, events=[late, event("tally", {"clips_before_step": 1, "clips_after_step": 9})]
    )
    assert (seen["late_clips"], seen["late_clip_share"], seen["late_clip_limit"]) == (9, 0.9, 0.5)
    none = event("tally", {"clips_before_step": 0, "clips_after_step": 0})
    assert signals_of(tmp_path, steps=10, events=[none])["late_clip_share"] == 0.0
    assert signals_of(tmp_path, steps=10)["late_clip_share"] is None
