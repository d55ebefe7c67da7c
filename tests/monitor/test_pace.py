"""The pace of a running script, as its status line tells it."""

from types import SimpleNamespace

import pytest

from trainadvisor.monitor.narrator import Narrator
from trainadvisor.voice import Voice


@pytest.mark.parametrize(
    ("lang", "seconds", "told"),
    [
        ("en", 0.0242, "24.2 ms/step"),
        ("en", 6.92, "6.92 s/step"),
        ("zh", 0.0242, "24.2 毫秒/步"),
        ("zh", 6.92, "6.92 秒/步"),
    ],
)
def test_a_step_of_a_second_and_more_is_told_in_seconds(lang: str, seconds: float, told: str) -> None:
    """A shorter one in milliseconds."""
    narrator = Narrator(SimpleNamespace(voice=Voice()), lang, quiet=True)  # type: ignore[arg-type]
    assert narrator._told({"step": 3, "seconds": seconds}) == f"  3  {told}"
