"""A line on a terminal that says what is going on, renewed each second: nobody waits without a sign of life.

Nothing is written where the stream is no terminal.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trainadvisor import clocks
from trainadvisor.background import Background
from trainadvisor.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds between two renewals; a line that somebody else has drawn within this time is left alone.
PERIOD = 1.0
# Seconds after which a command that has said nothing yet is said to be at work: most are over by then.
PATIENCE = 0.5
ERASE = "\r\x1b[K"


class StatusLine:
    """What is going on, told by a thread beside it; `show` begins a stage, `line` prints above, `end` takes it away."""

    def __init__(self, voice: Voice | None = None) -> None:
        """Take where to write, by default standard error."""
        self._voice = voice or Voice()
        self.shown = self._voice.isatty() and os.environ.get("TERM") != "dumb"
        self._text: Callable[[float], str] = lambda _: ""
        self._began = self._drawn = clocks.monotonic()
        self._dirty = False
        # Held while the line is drawn or taken away; a signal's handler may print while it is.
        self._pen = threading.RLock()
        self._heard: list[tuple[io.TextIOWrapper, object]] = []
        self._thread = _Returning(self._work, "trainadvisor-status")

    def show(self, text: Callable[[float], str], *, at_once: bool = True) -> None:
        """Begin a stage: the text is asked for again each second, with the seconds since the beginning."""
        self._text, self._began = text, clocks.monotonic()
        if self.shown:
            _step_back(self)
            self._listen()
            self.draw(text(0.0)) if at_once else self._rest()
            self._thread.call()

    def draw(self, text: str) -> None:
        """Draw the line now, in place of what it was."""
        if self.shown:
            with self._pen:
                self._drawn, self._dirty = clocks.monotonic(), True
                self._voice.write(f"{ERASE}{_cut(text)}\r")  # what the script prints next begins at the edge

    def _rest(self) -> None:
        self._drawn = self._began

    def line(self, text: str) -> None:
        """Write a line that stays, above the status."""
        with self._pen:
            self._voice.write(f"{self._blank()}{text}\n")

    def erase(self) -> None:
        """Take the line away until it is drawn again."""
        with self._pen:
            if blank := self._blank():
                self._voice.write(blank)

    def end(self) -> None:
        """Take the line away for good."""
        if self.shown:
            self._thread.end(PERIOD)
            self._stop_listening()
            self.erase()
            _come_forward(self)

    def _listen(self) -> None:
        """Take the line away before the script prints on the same terminal, which would leave the end of it there."""
        for stream in () if self._heard else (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper) and not stream.closed and stream.isatty():
                write = stream.write

                def erasing(text: str, write: Callable[[str], int] = write) -> int:
                    self.erase()
                    over()
                    return write(text)

                stream.write = erasing  # type: ignore[method-assign]
                self._heard.append((stream, erasing))

    def _stop_listening(self) -> None:
        for stream, erasing in self._heard:
            if vars(stream).get("write") is erasing:  # unless the script has put another one there
                del stream.write
        self._heard = []

    def _blank(self) -> str:
        dirty, self._dirty = self._dirty, False
        return ERASE if dirty else ""

    def _work(self) -> None:
        while not self._thread.wait_until(self._drawn + PERIOD):
            if clocks.monotonic() >= self._drawn + PERIOD:
                self.draw(self._text(clocks.monotonic() - self._began))


class _FirstLine(StatusLine):
    """The line of a whole command: it steps back while a stage has one of its own, and is over once a text is told."""

    def __init__(self, text: Callable[[float], str]) -> None:
        """Begin to wait; nothing is drawn before `PATIENCE`."""
        super().__init__()
        self._back = False
        self.show(text, at_once=False)

    def _rest(self) -> None:
        self._drawn = self._began + PATIENCE - PERIOD

    def draw(self, text: str) -> None:
        """Draw nothing while it stands back."""
        if self._back:
            self._drawn = clocks.monotonic()
        else:
            super().draw(text)

    def step_back(self) -> None:
        """Leave the row to another line."""
        self._back = True
        self._stop_listening()
        self.erase()

    def come_forward(self) -> None:
        """Take the row again, the seconds counted on."""
        self._listen()
        self._back, self._drawn = False, clocks.monotonic()

    def end(self) -> None:
        """Take the line away for good, and with it what it writes to."""
        super().end()
        self._voice.close()


_first: list[_FirstLine] = []


@contextmanager
def sign_of_life(text: Callable[[float], str]) -> Iterator[None]:
    """Tell a terminal that a command is at work while nothing else tells it, until its first text or its end."""
    _first.append(_FirstLine(text))
    try:
        yield
    finally:
        over()


def over() -> None:
    """Take the line of the whole command away for good: from here on others speak."""
    while _first:
        _first.pop().end()


def _step_back(line: StatusLine) -> None:
    for first in _first:
        if first is not line:
            first.step_back()


def _come_forward(line: StatusLine) -> None:
    for first in _first:
        if first is not line:
            first.come_forward()


class _Returning(Background):
    """A thread that comes back by itself after a fork, if it was there before."""

    def come_back(self) -> None:
        super().come_back()
        if self._thread is not None:
            self.call()


@contextmanager
def status(text: Callable[[float], str], voice: Voice | None = None, *, at_once: bool = True) -> Iterator[StatusLine]:
    """Show a line while the block runs; what is over within a second needs none `at_once`."""
    line = StatusLine(voice)
    line.show(text, at_once=at_once)
    try:
        yield line
    finally:
        line.end()


def _cut(text: str) -> str:
    """Return what fits into one row of the terminal: a longer line could not be taken away again."""
    from shutil import get_terminal_size
    from unicodedata import east_asian_width

    room = get_terminal_size((80, 24)).columns - 1
    for place, character in enumerate(text):
        room -= 2 if east_asian_width(character) in "WF" else 1
        if room < 0:
            return text[:place]
    return text
