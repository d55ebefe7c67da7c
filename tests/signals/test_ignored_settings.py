"""Signals of settings that an optimizer never reads."""

from pathlib import Path

from builders import event, make_optimizer, signals_of


def test_the_first_setting_is_told_with_both_values(tmp_path: Path) -> None:
    """Two settings of one optimizer; one written twice counts once."""
    rate = event("optimizer-attribute", {"optimizer": 0, "value": 0.1, "used": [1.0, 2.0]}, "lr")
    decay = event("optimizer-attribute", {"optimizer": 0, "value": 0.3, "used": [0.0]}, "weight_decay")
    seen = signals_of(tmp_path, steps=3, events=[rate, rate, decay], optimizers=[make_optimizer()])
    names = ("ignored_settings", "ignored_setting", "ignored_value", "setting_in_use")
    assert [seen[name] for name in names] == [2, "lr", 0.1, 1.0]


def test_a_recorded_run_without_them_has_none(tmp_path: Path) -> None:
    """Zero, and no values."""
    seen = signals_of(tmp_path, steps=3, optimizers=[make_optimizer()])
    assert (seen["ignored_settings"], seen["ignored_value"]) == (0, None)
