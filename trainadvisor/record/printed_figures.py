"""Keeps the figures of merit that a script prints, at the step at which it prints them."""

import os
import re
from collections.abc import Callable
from threading import get_ident
from typing import TYPE_CHECKING

from trainadvisor import clocks
from trainadvisor.log.records import EVENT, Record
from trainadvisor.record.printed_tables import PrintedTables

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder

# Gives the figures of merit of a line, by the data that they are of.
Read = Callable[[str], Record]

KIND = "figures-printed"
# Lines that are kept at every step; after them one in so many steps of those taken.
MANY, SHARE = 1_000, 500
# A name and a number; looking for them is much cheaper than reading the line.
_FIGURE = re.compile(r"[^\W\d].*\d", re.DOTALL)


class PrintedFigures:
    """Reads the lines of one process, for the recorder of its training."""

    def __init__(self, read: Read) -> None:
        """Take what reads a line."""
        self._read, self._pid = read, os.getpid()
        self._kept, self._last = 0, 0
        self._tables = PrintedTables()
        self.recorder: Recorder | None = None

    def take(self, line: str) -> None:
        """Keep the figures of a line; before torch is there, nothing is."""
        recorder = self.recorder
        if recorder is None or os.getpid() != self._pid:
            return
        if recorder.thread.ident not in {None, get_ident()}:  # other threads than that of the training print too
            return
        step = recorder.steps_done()
        if self._kept >= MANY and step - self._last < step // SHARE:
            return
        begun = clocks.perf_counter()
        line = self._tables.told(line)
        found = self._read(line) if _FIGURE.search(line) else {}
        if found:
            self._kept, self._last = self._kept + 1, step
            self._write(recorder, {"record": EVENT, "kind": KIND, "step": step, "subject": "", "detail": found})
        recorder.spend(clocks.perf_counter() - begun)

    def _write(self, recorder: "Recorder", record: Record) -> None:
        recorder.guard("printed", recorder.queue.put, record, [])
        if recorder.plan.active:  # which hands over its records at once
            recorder.guard("printed", recorder.queue.drain)
