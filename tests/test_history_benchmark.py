"""The figures of recording's cost that are kept by commit: what counts as dearer."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import history


def test_only_more_than_the_noise_is_dearer() -> None:
    """Six percent is told with both figures; four percent, less, and a loop that is new are not."""
    before, now = {"a": 100.0, "b": 100.0, "c": 100.0}, {"a": 106.0, "b": 104.0, "c": 50.0, "d": 9.0}
    assert history.dearer(before, now) == ["a: 106.0 instructions a step, 1.06 times the 100.0 on record"]
    assert history.dearer(before, before) == []


def test_figures_are_compared_with_the_last_of_the_same_python() -> None:
    """Another version has other instructions."""
    entries = [{"python": "3.11", "commit": "a"}, {"python": "3.11", "commit": "b"}, {"python": "3.12", "commit": "c"}]
    assert history.last(entries, "3.11") == entries[1]
    assert history.last(entries, "3.13") is None
