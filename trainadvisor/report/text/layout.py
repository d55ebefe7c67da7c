"""Lines of text that fit a terminal: display cells, not characters, and nothing that a terminal would obey."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 600  # a name taken from a log may have any length
# C0 without newline, DEL and C1, line separators, and marks that turn the direction of writing
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
WIDE, OPENING, CLOSING = "\u2e80-\u9fff\uff00-\uffef", "（《“‘「", "，。；：、）》”’」！？～"
# one wide character, or a run of others, with the spaces before it and the punctuation that may not stand apart from it
TOKEN = re.compile(f" *[{OPENING}]*(?:[{WIDE}]|[^\\s{WIDE}]+)[{CLOSING}]*")


def clean(text: object, longest: int = LONGEST) -> str:
    """Return text with control characters made visible and an excessive length cut in the middle."""
    line = UNSAFE.sub(_visible, str(text))
    if len(line) > longest:
        half = longest // 2
        line = f"{line[:half]} ... {line[-half:]}"
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
