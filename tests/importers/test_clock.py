"""How long a run took, by what another tool's log says of time."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from trainadvisor.importers.clock import Clock
from trainadvisor.importers.foreign_logs import read_log


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ([3.0, 9.0, 6.0], 9.0),  # durations: the longest
        ([1795892677, 1795892737.5], 60.5),  # moments: from the first to the last
        ([1795892737500, 1795892677000], 60.5),  # in milliseconds
        ([1795892677, 40.0, 1795892737], 40.0),  # what was measured, before what lies between two lines
        ([1795892677], None),
        ([], None),
        ([None, True, "1795892677", -1.0, 0, math.nan, math.inf], None),
    ],
)
def test_moments_and_durations(told: list[Any], seconds: float | None) -> None:
    """They are told apart by their size."""
    clock = Clock()
    for value in told:
        clock.note(value)
    assert clock.seconds == seconds


@pytest.mark.parametrize("name", ["time_total_s", "time/time_elapsed", "_runtime", "timestamp"])
def test_rows_that_tell_the_time(tmp_path: Path, name: str) -> None:
    """The header of the log keeps it; rows without such a column keep none."""
    for column, seconds in ((name, 60.0), ("other", None)):
        start = 1795892677 if name == "timestamp" else 0
        rows = [{"step": n, "loss": 1 / (n + 1), column: start + 6.0 * n} for n in range(11)]
        path = tmp_path / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        assert read_log(path).header["imported"].get("seconds") == seconds
