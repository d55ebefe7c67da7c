"""Reads the tracebacks that Python prints: the error, and the frames that lead to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = "Traceback (most recent call last):"
# What ranks and launchers write before each line.
PREFIX = re.compile(r"^\s*(?:\[(?:rank|default)?(?P<rank>\d+)\]\s*:?|(?P<other>\d+):)\s?(?=\s*\S)")
FRAME = re.compile(r'\s*File "(?P<file>[^"]+)", line (?P<line>\d+)(?:, in (?P<name>.+))?\s*$')
ERROR = re.compile(r"(?P<type>[A-Za-z_][\w.]*)(?::\s?(?P<message>.*))?$")
CARETS = re.compile(r"\s*[\^~]+\s*$")
# Errors that only pass on that another process failed.
PASSED_ON = ("ChildFailedError", "CalledProcessError", "ProcessRaisedException", "ProcessExitedException")
# Files that are nobody's own: of Python, of packages, of no file at all.
FOREIGN = re.compile(r"(?:^|/)(?:site-packages|dist-packages)/|(?:^|/)lib/python3?[\d.]*/|^<(?!stdin|ipython|string)")
LONGEST_MESSAGE = 40


@dataclass(frozen=True)
class Frame:
    """A line of code that a traceback names."""

    file: str
    line: int
    name: str = ""
    code: str | None = None

    @property
    def own(self) -> bool:
        """Return whether the file is of no package and not of Python's own."""
        return FOREIGN.search(self.file.replace("\\", "/")) is None


@dataclass(frozen=True)
class Trace:
    """A printed traceback: its frames, outermost first, the type of the error without its module, the message."""

    frames: tuple[Frame, ...]
    type: str
    message: str
    rank: int | None = None

    @property
    def place(self) -> Frame | None:
        """Return the deepest frame of the user's own, else the deepest of any package."""
        own = [frame for frame in self.frames if frame.own]
        named = [frame for frame in self.frames if not frame.file.startswith("<")]
        candidates = own or named
        return candidates[-1] if candidates else None


def last(text: str) -> Trace | None:
    """Return the traceback that tells why a program ended: of several processes the first that failed."""
    found = list(traces(text))
    telling = [trace for trace in found if trace.type not in PASSED_ON] or found
    ranks = [trace.rank for trace in telling if trace.rank is not None]
    if ranks:
        telling = [trace for trace in telling if trace.rank == ranks[0]]
    return telling[-1] if telling else None


def traces(text: str) -> Iterator[Trace]:
    """Yield every traceback of a text, the one of a worker process after the one that passes it on."""
    lines = text.splitlines()
    places = [number for number, line in enumerate(lines) if HEADER in line]
    for place, until in zip(places, [*places, len(lines)][1:], strict=True):
        rank, body = _bare(lines[place], lines[place + 1 : until])
        if (trace := _trace(body, rank)) is not None:
            yield trace


def _bare(header: str, lines: list[str]) -> tuple[int | None, list[str]]:
    """Return the rank that the lines are marked with, and the lines of that rank without the mark."""
    mark = header[: header.index(HEADER)].removesuffix("Original ")
    found = PREFIX.match(header)
    if not mark.strip() or found is None:
        return None, [line[len(mark) :] if mark and line.startswith(mark) else line for line in lines]
    rank = found["rank"] or found["other"]
    return int(rank), [line.removeprefix(mark.rstrip()).removeprefix(" ") for line in lines if mark.strip() in line]


def _trace(lines: list[str], rank: int | None) -> Trace | None:
    frames: list[Frame] = []
    for number, line in enumerate(lines):
        if found := FRAME.match(line):
            code = lines[number + 1].strip() if number + 1 < len(lines) else ""
            known = bool(code) and not FRAME.match(lines[number + 1]) and lines[number + 1].startswith("  ")
            name = found["name"] or ""
            frames.append(Frame(found["file"], int(found["line"]), name, code if known else None))
        elif line[:1].strip() and (error := ERROR.match(line)):
            message = [error["message"] or "", *_continued(lines[number + 1 :])]
            return Trace(tuple(frames), error["type"].rpartition(".")[2], "\n".join(message).rstrip(), rank)
        elif line[:1].strip() and not CARETS.match(line):
            return None
    return None


def _continued(lines: list[str]) -> Iterator[str]:
    """Yield the further lines of a message: those that are set in."""
    for line in lines[:LONGEST_MESSAGE]:
        if not line[:1].isspace():
            return
        yield line
