"""Signals of a model that is compared with itself."""

from pathlib import Path

from builders import event, signals_of


def test_shares_of_the_steps_that_were_looked_at(tmp_path: Path) -> None:
    """Six of eight are equal, four have a distance of zero."""
    told = event("self-reference", {"looked": 8, "equal": 6, "zero": 4})
    seen = signals_of(tmp_path, steps=9, events=[told])
    assert (seen["self_reference_steps"], seen["self_reference_share"], seen["self_distance_share"]) == (8, 0.75, 0.5)
    assert signals_of(tmp_path, steps=9)["self_reference_share"] is None


def test_a_loss_that_is_one_number(tmp_path: Path) -> None:
    """Zero does not count, and one loss that differs is enough."""
    still = signals_of(tmp_path, columns={"loss": [0.693147] * 9})
    assert (still["loss_still"], still["loss_typical"]) == (True, 0.693147)
    assert signals_of(tmp_path, columns={"loss": [0.0] * 9})["loss_still"] is False
    assert signals_of(tmp_path, columns={"loss": [0.7] * 8 + [0.71]})["loss_still"] is False
    assert signals_of(tmp_path, steps=9)["loss_still"] is None
