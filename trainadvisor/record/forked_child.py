"""Tells a forked child that it is one: asking for the process at every event costs more."""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What records in the parent only."""

    def leave_to_parent(self) -> None:
        """Take no more events."""


_recording: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def leave_to_parent_when_forked(recorder: Forkable) -> None:
    """Have the recorder told in a forked child that nobody records there."""
    _recording.add(recorder)


def _leave() -> None:
    for recorder in _recording:
        recorder.leave_to_parent()


os.register_at_fork(after_in_child=_leave)
