"""Lines of text that fit a terminal: display cells, not characters, and nothing that a terminal would obey."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from trainadvisor.characters import CONTROLS, HIDDEN, TURNING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST = 600  # a name taken from a log may have any length
UNSAFE = re.compile(f"[{CONTROLS}{TURNING}]")
UNSEEN = re.compile(f"[{HIDDEN}]")
WIDE, OPENING, CLOSING = "\u2e80-\u9fff\uff00-\uffef", "（《“‘「", "，。；：、）》”’」！？～"
# one wide character, or a run of others, with the spaces before it and the punctuation that may not stand apart from it
TOKEN = re.compile(f" *[{OPENING}]*(?:[{WIDE}]|[^\\s{WIDE}]+)[{CLOSING}]*")


def clean(text: object, longest: int = LONGEST) -> str:
    """Return text with control characters made visible, hidden ones and the middle of an excessive length left out."""
    line = UNSAFE.sub(_visible, UNSEEN.sub("", str(text)))
    if len(line) > longest:
        head, tail = line[: longest // 2], line[-(longest // 2) :]
        line = f"{head.rpartition(' ')[0] or head} ... {tail.partition(' ')[2] or tail}"
    return line


def _visible(match: re.Match[str]) -> str:
    character = match.group()
    return "    " if character == "\t" else character.encode("unicode_escape").decode("ascii")


def cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) == "Cf":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, width: int) -> str:
    """Return text filled with spaces to a number of columns."""
    return text + " " * (width - cells(text))


def wrap(text: str, width: int) -> list[str]:
    """Break text into lines of at most `width` columns: at spaces, and between wide characters."""
    return [line for paragraph in text.split("\n") for line in _lines(paragraph, width)]


def flow(items: Iterable[str], gap: str, width: int) -> list[str]:
    """Lay items out in lines of at most `width` columns, none of them parted."""
    lines: list[str] = []
    for item in items:
        if lines and cells(lines[-1] + gap + item) <= width:
            lines[-1] += gap + item
        else:
            lines.append(item)
    return lines


def _lines(paragraph: str, width: int) -> list[str]:
    lines = [""]
    for token in _tokens(paragraph, width):
        if cells(lines[-1]) + cells(token) <= width:
            lines[-1] += token if lines[-1] else token.lstrip()
        else:
            lines.append(token.lstrip())
    return [line for line in lines if line] or [""]


def _tokens(paragraph: str, width: int) -> Iterator[str]:
    for token in TOKEN.findall(paragraph):
        yield from _pieces(token, width)


def _pieces(token: str, width: int) -> Iterator[str]:
    while cells(token) > width:
        yield token[:width]
        token = token[width:]
    yield token


def spread(left: str, right: str, width: int) -> str | None:
    """Return `left` with `right` at the end of the line, or None when both do not fit."""
    gap = width - cells(left) - cells(right)
    return f"{left}{' ' * gap}{right}" if gap >= 2 else None  # noqa: PLR2004 - two spaces keep them apart
