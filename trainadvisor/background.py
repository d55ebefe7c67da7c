"""Threads of ours are away while the process forks: Python warns of a fork beside threads, and the child lacks them."""

import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress

from trainadvisor import clocks
from trainadvisor.hidden_thread import Thread, hidden

# Seconds that a fork waits for a thread that is busy; then it happens beside it.
_PATIENCE = 0.2


class _Here(threading.local):
    """What the thread that runs now is of, and what is counted of its time already."""

    background: "Background | None" = None
    counted = 0.0


_here = _Here()


class Background:
    """Runs a function in a daemon thread that leaves before each fork, and comes back when it is called for.

    The function returns soon after `leaving` is set; called again it goes on where it was.
    """

    def __init__(self, work: Callable[[], None], name: str, *, thread: Callable[..., Thread] = hidden) -> None:
        """Take what runs and the kind of its thread; nothing runs before `call`."""
        self._work, self.name, self._kind = work, name, thread
        self._thread: Thread | None = None
        # Processor time that its threads have taken so far.
        self.seconds = 0.0
        self._pid = os.getpid()
        self.leaving = threading.Event()
        self._bell = threading.Event()
        # Whether it has to be called again.
        self.away = True
        _all.add(self)

    def call(self) -> bool:
        """Let the thread run; return whether one does, as far as this process may have one."""
        thread = self._thread
        if thread is not None and thread.is_alive() and not self.away:
            return True
        if self.leaving.is_set() or os.getpid() != self._pid:
            return False
        self._thread, self.away = self._kind(self._run, self.name), False
        try:
            self._thread.start()
        except RuntimeError:  # no more threads, as at the end of the interpreter
            self._thread, self.away = None, True
        return self._thread is not None

    def _run(self) -> None:
        _here.background, _here.counted = self, 0.0
        try:
            self._work()
        finally:
            self._count()

    def _count(self) -> None:
        if _here.background is self:
            now = clocks.thread_time()
            self.seconds += now - _here.counted
            _here.counted = now

    @property
    def is_there(self) -> bool:
        """Return whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def wait_until(self, moment: float) -> bool:
        """Wait, in the thread, until a moment of the monotonic clock or a ring; return whether it is to leave."""
        self._count()
        if not self.leaving.is_set():
            self._bell.wait(max(0.0, moment - clocks.monotonic()))
            self._bell.clear()
        return self.leaving.is_set()

    def ring(self) -> None:
        """Let the thread wait no longer."""
        self._bell.set()

    def _leave(self, seconds: float) -> None:
        self.leaving.set()
        self.ring()
        self._join(seconds)

    def end(self, seconds: float) -> None:
        """Ask the thread to leave for good, and wait for that."""
        self._leave(seconds)

    def step_aside(self) -> None:
        """Leave before a fork; nobody comes back by himself afterwards."""
        if not self.leaving.is_set():
            self._leave(_PATIENCE)
            _aside.append(self)

    def come_back(self) -> None:
        """Be there to be called again; a thread that was too busy to leave goes on."""
        self.leaving.clear()
        self.away = self._thread is None or not self._thread.is_alive()

    def _join(self, seconds: float) -> None:
        thread = self._thread
        if thread is not None and _here.background is not self:
            with suppress(RuntimeError):
                thread.join(seconds)


_all: "weakref.WeakSet[Background]" = weakref.WeakSet()
_aside: list[Background] = []


def names() -> list[str]:
    """Return the names of our threads that run now."""
    return sorted(background.name for background in list(_all) if background.is_there)


def here() -> str | None:
    """Return the name of the thread of ours that runs now, None in any other."""
    return None if _here.background is None else _here.background.name


def seconds() -> float:
    """Return the processor time that our threads have taken, up to when each began to wait."""
    return sum(background.seconds for background in list(_all))


def _before() -> None:
    for background in list(_all):
        with suppress(Exception):  # the script wants to fork, whatever we do
            background.step_aside()


def _after() -> None:
    while _aside:
        _aside.pop().come_back()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_aside.clear)
