"""The line that says what is going on, where there is no terminal."""

import os
import threading

from trainadvisor.status_line import StatusLine


def _fork() -> None:
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def test_a_fork_starts_no_thread_where_nothing_is_shown() -> None:
    """It would draw without a pause: the moment of the last drawing never comes nearer."""
    line = StatusLine()
    assert not line.shown
    line.show(lambda _: "nothing")
    before = threading.active_count()
    _fork()
    assert threading.active_count() == before
    line.end()
