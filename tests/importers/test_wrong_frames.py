"""Frames of event files that hold no event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trainadvisor.importers.decode.event_folder import EventRows


class Frames(list[bytes]):
    """What was read of one file, with one frame whose checksum was wrong."""

    wrong, torn, lost, path = 1, False, False, Path("events.out")


def test_a_frame_that_is_no_event_is_counted_beside_those_of_a_wrong_checksum() -> None:
    """And the next one is still read."""
    rows = EventRows({})
    frames: Any = Frames([b"\xff", b""])
    assert list(rows._scalars(frames, "")) == []
    assert (rows.wrong, rows.torn, rows.lost) == (2, False, [])
