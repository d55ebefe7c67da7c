"""Reads along what a script prints to its own streams, line by line, and changes nothing of it."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from trainadvisor.instrument.hidden_frame import drop_own_frames, veiled
from trainadvisor.interruptions import suppressed

LONGEST = 2_000
# Of a text of so many characters, as a whole table, no line is looked at.
MUCH = 65_536

Take = Callable[[str], None]


@contextmanager
def heard(take: Take) -> Iterator[None]:
    """Hand each line that is printed in the block to `take`, after it has been written.

    Only real streams are listened to; one that the script puts in their place is its own.
    """
    streams = [stream for stream in (sys.stdout, sys.stderr) if type(stream) is io.TextIOWrapper]
    listening = [(stream, _listener(stream, take)) for stream in streams if "write" not in vars(stream)]
    for stream, write in listening:
        vars(stream)["write"] = write
    try:
        yield
    finally:
        for stream, write in listening:
            if vars(stream).get("write") is write:
                del vars(stream)["write"]


def _listener(stream: Any, take: Take) -> Callable[[str], int]:
    """Return a function that writes as the stream does, and hands over the lines that came to their end."""
    plain, begun = stream.write, _Line(take)

    @veiled
    def write(text: str, /) -> int:
        try:
            count: int = plain(text)
        except BaseException:
            drop_own_frames()
            raise
        with suppressed():
            begun.add(text)
        return count

    return write


class _Line:
    """What has been printed of a line so far."""

    def __init__(self, take: Take) -> None:
        self._take, self._text = take, ""

    def add(self, text: str) -> None:
        """Go on with a text; what stands before a carriage return has been written over."""
        if len(text) > MUCH:
            self._text = ""
            return
        if "\n" not in text:
            self._text = (self._text + text)[-LONGEST - 1 :]
            return
        *lines, rest = (self._text + text).split("\n")
        self._text = rest[-LONGEST - 1 :]
        for line in lines:
            last = line.rstrip("\r").rpartition("\r")[2]
            if last and len(last) <= LONGEST:
                self._take(last)
