"""The line that says what is going on, on a terminal and where there is none."""

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trainadvisor.status_line import ERASE, StatusLine

PRINTING = """
import sys
from trainadvisor.status_line import status
with status(lambda _: "a long line that says what is going on"):
    print("short", file=sys.{stream})
    print("after", file=sys.{stream})
print("write" in vars(sys.{stream}))
"""

COMMAND = """
import os, sys
os.chdir({folder!r})
sys.argv = ["trainadvisor", *{arguments!r}]
from trainadvisor.cli import main
sys.exit(main())
"""


def on_a_terminal(code: str) -> str:
    """Return what a program shows on a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        shown = b""
        while piece := _read(ours):
            shown += piece
    os.close(ours)
    return shown.decode()


def _read(number: int) -> bytes:
    try:
        return os.read(number, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_nothing_of_the_line_is_left_where_a_script_prints(stream: str) -> None:
    """It is taken away before, once, and the script's streams are as they were in the end."""
    shown = on_a_terminal(PRINTING.format(stream=stream))
    assert f"what is going on\r{ERASE}short" in shown
    assert f"{ERASE}after" not in shown
    assert shown.endswith("False\r\n")


class Slow:
    """A terminal on which the drawing of a line takes until somebody else has tried to take it away."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.drawing, self.tried = threading.Event(), threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        if text != ERASE:
            self.drawing.set()
            self.tried.wait(0.5)
        self.seen.append(text)


def test_a_line_that_is_being_drawn_is_taken_away_behind_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would stand there for good, because it would count as taken away."""
    monkeypatch.setenv("TERM", "xterm")
    voice = Slow()
    line = StatusLine(voice)  # type: ignore[arg-type]  # only these two are asked of it
    drawing = threading.Thread(target=line.draw, args=("working",))
    drawing.start()
    voice.drawing.wait()
    line.erase()
    voice.tried.set()
    drawing.join()
    assert voice.seen == [f"{ERASE}working\r", ERASE]


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


@pytest.mark.parametrize(
    ("arguments", "first"),
    [(["doctor"], "importing torch"), (["demo"], "importing torch"), (["doctor", "--lang", "zh"], "导入 torch")],
)
def test_a_terminal_is_told_at_once_what_takes_long(tmp_path: Path, arguments: list[str], first: str) -> None:
    """Before the import of torch, and nothing of it is left."""
    shown = on_a_terminal(COMMAND.format(arguments=arguments, folder=str(tmp_path)))
    before, _, after = shown.partition(first)
    assert len(before.splitlines()) <= 4
    assert ERASE in after
    assert shown.rpartition(ERASE)[2].count(first) == 0
