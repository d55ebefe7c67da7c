"""A source file: its text with the line ends and the encoding it has, and its syntax tree."""

from __future__ import annotations

import ast
import codecs
import re
import tokenize
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from typing import TYPE_CHECKING

from trainadvisor import silence
from trainadvisor.errors import TrainAdvisorError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 4_000_000
# A line that a notebook understands and Python does not.
MAGIC = re.compile(r"^([ \t]*)(?:%{1,2}[A-Za-z]|!)[^\n]*", re.MULTILINE)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


class SourceError(TrainAdvisorError):
    """A source file cannot be read or parsed."""


@dataclass(frozen=True)
class Source:
    """The text of a file, decoded and with plain line ends, and its tree."""

    name: str
    text: str
    tree: ast.Module = field(repr=False, compare=False)
    encoding: str = "utf-8"
    # Whether the file starts with a byte order mark.
    marked: bool = False
    # The end of each line, where they are not all plain.
    ends: tuple[str, ...] = ()

    @cached_property
    def lines(self) -> list[str]:
        """Return the lines without their ends, as Python counts them."""
        return self.text.split("\n")

    def column(self, line: int, offset: int) -> int:
        """Return the place in a line, in characters, of an offset that the tree counts in bytes."""
        raw = self.lines[line - 1].encode("utf-8", "surrogatepass")
        return len(raw[:offset].decode("utf-8", "replace"))

    def segment(self, node: ast.AST) -> str:
        """Return the text of a node."""
        (first, start), (last, end) = span_of(self, node)
        if first == last:
            return self.lines[first - 1][start:end]
        middle = self.lines[first : last - 1]
        return "\n".join([self.lines[first - 1][start:], *middle, self.lines[last - 1][:end]])

    def written(self, text: str) -> bytes:
        """Return a changed text as bytes of the file: in its encoding, each line ending as its neighbors do."""
        if self.ends:
            lines = text.split("\n")
            usual = max(set(self.ends), key=self.ends.count)
            same = self.ends if len(self.ends) == len(lines) - 1 else (usual,) * (len(lines) - 1)
            text = "".join(line + end for line, end in zip(lines, (*same, ""), strict=True))
        raw = text.encode(self.encoding)
        return codecs.BOM_UTF8 + raw if self.marked else raw


def span_of(source: Source, node: ast.AST) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the first and the last place of a node: line from 1, character from 0."""
    line, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    start = source.column(line, getattr(node, "col_offset", 0))
    return (line, start), (last, source.column(last, getattr(node, "end_col_offset", 0)))


def read(path: Path, name: str | None = None) -> Source:
    """Return a file's source; SourceError with a sentence where it has none."""
    shown = name or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror or error}") from None
    return parse(raw, shown)


def plain(path: Path, name: str | None = None) -> Source:
    """Return a file that is no script as a source without a tree."""
    shown = name or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{shown}: {error.strerror or error}") from None
    return _source(*_decoded(raw, shown), shown, ast.Module([], []))


def parse(raw: bytes | str, name: str = "script.py") -> Source:
    """Return the source of a text or of a file's bytes."""
    if len(raw) > LARGEST:
        raise SourceError(f"{name}: is larger than {LARGEST:,} bytes, too large for a script; it was not read")
    text, encoding, marked = (raw, "utf-8", False) if isinstance(raw, str) else _decoded(raw, name)
    return _source(text, encoding, marked, name)


def _source(text: str, encoding: str, marked: bool, name: str, tree: ast.Module | None = None) -> Source:  # noqa: FBT001
    pieces = [piece for piece in LINE.findall(text) if piece]
    ends = tuple(piece[len(piece.rstrip("\r\n")) :] for piece in pieces)
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    odd = any(end not in ("\n", "") for end in ends)
    kept = (ends if not ends or ends[-1] else ends[:-1]) if odd else ()
    return Source(name, unix, tree if tree is not None else _tree(unix, name), encoding, marked, kept)


def _decoded(raw: bytes, name: str) -> tuple[str, str, bool]:
    marked = raw.startswith(codecs.BOM_UTF8)
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(raw).readline)
        encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        return (raw[3:] if marked else raw).decode(encoding), encoding, marked
    except (SyntaxError, UnicodeError, LookupError):
        raise SourceError(f"{name}: is not text in the encoding that it declares; save it as UTF-8") from None


def _tree(text: str, name: str) -> ast.Module:
    """Parse a text; lines of a notebook that are no Python are passed over."""
    try:
        return _parsed(text)
    except SyntaxError as error:
        plain = MAGIC.sub(r"\1pass", text)
        if plain != text:
            try:
                return _parsed(plain)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                pass
        where = f", line {error.lineno}" if error.lineno else ""
        raise SourceError(f"{name}{where}: is not Python that can be parsed ({error.msg})") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"{name}: cannot be parsed ({str(error) or type(error).__name__})") from None


def _parsed(text: str) -> ast.Module:
    with silence.parsing():
        return ast.parse(text)
