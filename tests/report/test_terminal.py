"""What a terminal gets: characters it has, columns it has, and colors where they are wanted."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from trainadvisor.report.text import terminal

if TYPE_CHECKING:
    from collections.abc import Callable


class Stream(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, encoding: str = "utf-8", *, tty: bool = False) -> None:
        super().__init__()
        self._encoding, self._tty = encoding, tty

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Its characters."""
        return self._encoding

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._tty


@pytest.mark.parametrize(
    ("choice", "tty", "environment", "color"),
    [
        ("auto", True, {}, True),
        ("auto", True, {"TERM": "xterm"}, True),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("auto", False, {}, False),
        ("always", False, {"NO_COLOR": "1", "TERM": "dumb"}, True),
        ("never", True, {}, False),
    ],
)
def test_colors_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, choice: str, environment: dict[str, str], *, tty: bool, color: bool
) -> None:
    """Unless it is said otherwise."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert terminal.colored(choice, Stream(tty=tty)) is color
    monkeypatch.setattr("sys.stdout", Stream(tty=tty))
    assert terminal.colored(choice) is color


@pytest.mark.parametrize(
    ("columns", "width"), [("80", 80), ("20", 60), ("60", 60), ("100", 100), ("300", 100), ("", 100), ("wide", 100)]
)
def test_without_a_terminal_the_columns_are_those_asked_for(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    """Between 60 and 100."""
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.width(Stream()) == width
    monkeypatch.delenv("COLUMNS")
    assert terminal.width(Stream()) == 100


@pytest.mark.parametrize(("columns", "width"), [(40, 60), (80, 80), (300, 300)])
def test_a_terminal_is_filled(monkeypatch: pytest.MonkeyPatch, columns: int, width: int) -> None:
    """However wide it is."""
    size: Callable[[object], os.terminal_size] = lambda _: os.terminal_size((columns, 24))  # noqa: E731
    monkeypatch.setattr("shutil.get_terminal_size", size)
    assert terminal.width(Stream(tty=True)) == width


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "学 é\n"), ("latin-1", "? é\n"), ("ascii", "? ?\n")])
def test_a_character_that_a_terminal_lacks_is_a_question_mark(encoding: str, shown: str) -> None:
    """The rest of the line is there."""
    stream = Stream(encoding)
    terminal.emit("学 é", stream)
    assert stream.getvalue() == shown
