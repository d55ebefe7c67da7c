"""Commands that are asked in the words of a user."""

from collections.abc import Callable
from typing import Any

from trainadvisor.requirements import parse


def test_explaining_a_rule_begins_with_the_change(call: Callable[..., Any]) -> None:
    """What to change comes first, thresholds only on request."""
    told = call("explain", "plateau").out
    assert told.index("Fixes") < told.index("What it means")
    assert "Thresholds" not in told
    assert "Thresholds" in call("explain", "plateau", "-v").out


def test_signals_are_filtered_by_a_word(call: Callable[..., Any]) -> None:
    """A word that no signal has is a mistake."""
    told = call("signals", "clip").out
    assert "clip_share" in told
    assert "adam_eps" not in told
    assert call("signals", "zzzz").code == 2


def test_a_requirement_may_use_another_name() -> None:
    """It says which value is compared."""
    wanted = parse("val_acc>=0.9")
    assert (wanted.metric, wanted.text) == ("val_accuracy", "val_acc>=0.9 (val_accuracy)")
