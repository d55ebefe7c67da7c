"""Reads along what a script prints to its own streams, line by line, and changes nothing of it.

While the script writes, its text is kept and no more; what was printed is looked at when the training goes on.
"""

import io
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from trainadvisor.instrument.hidden_frame import drop_own_frames, veiled
from trainadvisor.instrument.look_alikes import looking_as

LONGEST = 2_000
# Of a text of so many characters, as a whole table, no line is looked at.
MUCH = 65_536
# So many texts are kept until they are looked at, the last ones.
MOST = 1_024

# Takes a line, and the thread that printed it.
Take = Callable[[str, int], None]


class PrintedLines:
    """Keeps what is printed until somebody wants to read it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        # The thread that printed, the number of its stream, and the text unless it is too long.
        self.kept: deque[tuple[int, int, str | None]] = deque(maxlen=MOST)
        # What has been printed of a line so far, by thread and stream.
        self._begun: dict[tuple[int, int], str] = {}

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Keep what is printed in the block.

        Only real streams are listened to; one that the script puts in their place is its own.
        """
        streams = [stream for stream in (sys.stdout, sys.stderr) if type(stream) is io.TextIOWrapper]
        listening = [
            (stream, looking_as(stream.write, self._keeping(stream.write, number)))
            for number, stream in enumerate(streams)
            if "write" not in vars(stream)
        ]
        for stream, write in listening:
            vars(stream)["write"] = write
        try:
            yield
        finally:
            for stream, write in listening:
                if vars(stream).get("write") is write:
                    del vars(stream)["write"]

    def _keeping(self, plain: Callable[..., int], number: int) -> Callable[..., int]:
        """Return a function that writes and keeps the text; what it is given is for the stream to judge."""
        keep, ident = self.kept.append, get_ident

        @veiled
        def write(*args: Any, **kwargs: Any) -> int:
            try:
                count = plain(*args, **kwargs)
                keep((ident(), number, args[0] if count <= MUCH else None))
            except BaseException:  # of the stream, or of a signal handler
                drop_own_frames()
                raise
            return count

        return write

    def read(self, take: Take) -> None:
        """Hand over the lines that came to their end since the last time."""
        if len(self.kept) == MOST:  # what came before has been dropped
            self._begun.clear()
        while self.kept:
            thread, number, given = self.kept.popleft()
            place = thread, number
            if given is None:
                self._begun.pop(place, None)
                continue
            text = given if type(given) is str else str.__str__(given)
            if "\n" not in text and len(text) <= LONGEST:
                self._begun[place] = (self._begun.get(place, "") + text)[-LONGEST - 1 :]
                continue
            for line in self._ended(place, text):
                take(line, thread)

    def forget(self) -> None:
        """Drop what was printed so far."""
        self.kept.clear()
        self._begun.clear()

    def _ended(self, place: tuple[int, int], text: str) -> Iterator[str]:
        """Go on with a text; what stands before a carriage return has been written over."""
        begun = self._begun.pop(place, "")
        *lines, rest = (begun + text).split("\n")
        self._begun[place] = rest[-LONGEST - 1 :]
        for line in lines:
            last = line.rstrip("\r").rpartition("\r")[2]
            if last and len(last) <= LONGEST:
                yield last
