"""Threads that `threading` does not list: a script that counts, names or joins its threads meets none of ours.

They run none of the hooks that the script sets for its threads (`threading.settrace`, `threading.setprofile`) either,
end with the process like daemons, and can be waited for until nothing of them is left.
"""

import _thread
import threading
from collections.abc import Callable
from typing import Any, Protocol


class Thread(Protocol):
    """What is asked of a thread of ours."""

    def start(self) -> None:
        """Begin; raise RuntimeError where there can be no more threads."""

    def is_alive(self) -> bool:
        """Return whether it has begun and not ended."""

    def join(self, timeout: float) -> None:
        """Wait for its end, so many seconds at most."""


# The two ways of Python's to wait for a thread's very end: until 3.12, and from 3.13 on.
_sentinel: Any = getattr(_thread, "_set_sentinel", None)
_start_joinable: Any = getattr(_thread, "start_joinable_thread", None)


class _UntilSentinel:
    """Until Python 3.12: a lock that is freed when the thread's state is."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._begun = threading.Event()
        self._over: Any = None

    def start(self) -> None:
        _thread.start_new_thread(self._run, ())
        self._begun.wait()

    def _run(self) -> None:
        self._over = _sentinel()
        self._over.acquire()
        self._begun.set()
        try:
            self._work()
        finally:
            # what a hook of the script's that ran here has made by asking for the current thread
            getattr(threading, "_active", {}).pop(_thread.get_ident(), None)

    def is_alive(self) -> bool:
        return self._over is not None and self._over.locked()

    def join(self, timeout: float) -> None:
        if self._over is not None and self._over.acquire(timeout=timeout):
            self._over.release()


class _ByHandle:
    """From Python 3.13 on: a handle that can be joined."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._handle: Any = None

    def start(self) -> None:
        self._handle = _start_joinable(self._work, daemon=True)

    def is_alive(self) -> bool:
        return self._handle is not None and not self._handle.is_done()

    def join(self, timeout: float) -> None:
        if self._handle is not None:
            self._handle.join(timeout)


def hidden(work: Callable[[], None], name: str) -> Thread:
    """Return a thread that is not listed; where Python knows neither way, a listed one."""
    if _start_joinable is not None:
        return _ByHandle(work)
    return listed(work, name) if _sentinel is None else _UntilSentinel(work)


def listed(work: Callable[[], None], name: str) -> Thread:
    """Return a daemon that is listed by its name: one that runs functions of the script's."""
    return threading.Thread(target=work, name=name, daemon=True)
