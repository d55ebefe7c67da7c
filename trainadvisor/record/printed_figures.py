"""Keeps the figures of merit that a script prints, at the step at which it prints them."""

import os
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from trainadvisor import clocks
from trainadvisor.log.records import EVENT, Record
from trainadvisor.record.printed_lines import PrintedLines
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
# Numbers of a line, without which it has its form. Of a form that so many lines had without a figure of merit no more
# lines are read: reading one costs 50 to 120 microseconds, and some scripts print one at every step.
_NUMBERS = re.compile(r"(?<![\w.])[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?")
ENOUGH, FORMS = 8, 1_000


class PrintedFigures:
    """Reads the lines of one process, for the recorder of its training."""

    def __init__(self, read: Read) -> None:
        """Take what reads a line."""
        self._read, self._pid = read, os.getpid()
        self._kept, self._last = 0, 0
        self._tables = PrintedTables()
        # How many lines of a form had no figure of merit.
        self._empty: Counter[str] = Counter()
        self.lines = PrintedLines()
        self._recorder: Recorder | None = None

    def begin(self, recorder: "Recorder") -> None:
        """Look from here on, before the number of steps changes; what was printed before torch was there is dropped."""
        from trainadvisor.instrument.shortcut_slot import slot

        self.lines.forget()
        self._recorder = recorder
        slot.printed, slot.look = self.lines.kept, self.look

    def end(self) -> None:
        """Look for the last time."""
        from trainadvisor.instrument.shortcut_slot import slot

        self.look()
        self._recorder, slot.printed = None, ()

    def look(self) -> None:
        """Keep the figures of what was printed since the last look."""
        recorder = self._recorder
        if recorder is None or os.getpid() != self._pid:
            self.lines.forget()
            return
        begun = clocks.perf_counter()
        step, heard = recorder.steps_done(), recorder.thread.ident

        def take(line: str, thread: int) -> None:
            if heard in {None, thread}:  # other threads than that of the training print too
                self._take(recorder, step, line)

        recorder.guard("printed", self.lines.read, take)
        recorder.spend(clocks.perf_counter() - begun)

    def _take(self, recorder: "Recorder", step: int, line: str) -> None:
        """Keep the figures of a line."""
        if self._kept >= MANY and step - self._last < step // SHARE:
            return
        form = _NUMBERS.sub("#", line)
        if self._empty[form] >= ENOUGH:
            return
        head, told = self._tables.head, self._tables.told(line)
        found = self._read(told) if _FIGURE.search(told) else {}
        if self._tables.head is not head or len(self._empty) > FORMS:
            self._empty.clear()
        elif form != line and not found:
            self._empty[form] += 1
        if found:
            self._kept, self._last = self._kept + 1, step
            self._write(recorder, {"record": EVENT, "kind": KIND, "step": step, "subject": "", "detail": found})

    def _write(self, recorder: "Recorder", record: Record) -> None:
        recorder.queue.put(record, [])
        if recorder.plan.active:  # which hands over its records at once
            recorder.queue.drain()
