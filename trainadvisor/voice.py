"""Output of the advisor during and after a script: to the original standard error, never through the script.

The script may close its standard error, replace it, capture it, or set it to None; nothing of that changes where our
texts go, and nothing of ours lands in what it captures. What cannot be written is left out: a text never fails.
"""

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from trainadvisor.descriptors import Descriptor
from trainadvisor.interruptions import from_handler, suppressed

_STDERR = 2


class Voice:
    """Standard error at the time of creation: a duplicate of a real file, or the object itself otherwise.

    The object itself is used in notebooks and in tests that capture output.
    """

    def __init__(self) -> None:
        """Keep the current standard error."""
        self._stream: Any = sys.stderr
        self._own = _duplicate(self._stream)
        self.encoding = str(getattr(self._stream, "encoding", None) or "utf-8")

    def line(self, text: str) -> None:
        """Write a text and a newline."""
        self.write(f"{text}\n")

    def write(self, text: str) -> int:
        """Write a text, with question marks for characters that cannot be encoded; return its length."""
        with suppressed():  # closed, full, or a pipe without a reader
            if self._own is None:
                self._stream.write(text)
                self._stream.flush()
            elif self._own.regain(lambda: os.dup(_STDERR)):
                _write(self._own.number, text.encode(self.encoding, "replace"))
        return len(text)

    def flush(self) -> None:
        """Do nothing: every text is written immediately."""

    def isatty(self) -> bool:
        """Return whether the output is a terminal."""
        try:
            return os.isatty(self._own.number) if self._own is not None else bool(self._stream.isatty())
        except Exception as error:
            if from_handler(error):
                raise
            return False

    def close(self) -> None:
        """Close the duplicate; later texts are dropped."""
        own, self._own, self._stream = self._own, None, None
        if own is not None:
            own.close()


def _duplicate(stream: Any) -> Descriptor | None:
    """Return a duplicate descriptor for a real file; None for anything else, or if none is available."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    with suppress(OSError, ValueError):
        stream.flush()
        return Descriptor(os.dup(stream.fileno()))
    return None


def _write(number: int, data: bytes) -> None:
    with _no_death_by_pipe():
        while data:
            data = data[os.write(number, data) :]


@contextmanager
def _no_death_by_pipe() -> Iterator[None]:
    """Block SIGPIPE while writing: a script that restores its default must not be killed by the advisor's pipe."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    pipe = {signal.SIGPIPE}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, pipe)
    try:
        yield
    finally:
        if not pipe & before and pipe & signal.sigpending():
            signal.sigwait(pipe)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
