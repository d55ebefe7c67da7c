"""Foreign files as bytes and as lines of text: compressed or not, in any of the usual encodings, in bounded memory."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from trainadvisor.errors import LogError
from trainadvisor.importers.decode.bounded_files import buffered
from trainadvisor.importers.thinning import Thinner, stride

HEAD = 64 << 10
GZIP = b"\x1f\x8b"
LONGEST_LINE = 4 << 20
# As objects of Python a document takes ten times its size in memory.
LARGEST_DOCUMENT = 64 << 20
LARGEST_UNPACKED, LARGEST_RATIO, FREE = 4 << 30, 500, 256 << 20
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# Escape sequences of terminals: colors, moves of the cursor, titles.
ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


def binary(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked if it is compressed."""
    file = buffered(path)
    if file.read(2) != GZIP:
        file.seek(0)
        return file
    file.seek(0)
    return cast("BinaryIO", io.BufferedReader(_Unpacked(path, file)))


class _Unpacked(io.RawIOBase):
    """A compressed file up to the size that is believed; one that was cut ends where it was."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, gzip.GzipFile(fileobj=file, mode="rb")
        self._room = min(LARGEST_UNPACKED, max(FREE, LARGEST_RATIO * path.stat().st_size))

    def readable(self) -> bool:
        return True

    def readinto(self, target: object) -> int:
        view = memoryview(cast("bytearray", target)).cast("B")
        try:
            data = self._file.read1(len(view))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            return 0
        self._room -= len(data)
        if self._room < 0:
            raise LogError(f"{self._path}: unpacks to more than is believed; unpack it by hand if you trust it")
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def head(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked if it is compressed."""
    with binary(path) as file:
        return file.read(HEAD)


def encoding(start: bytes) -> str:
    """Return the encoding of a text by its first bytes: its mark, or zeros at every second place."""
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    sample = start[:400]
    if len(sample) >= 4 and sample.count(0) > len(sample) // 3:  # noqa: PLR2004 - half of the bytes are zero in UTF-16
        return "utf-16-le" if sample[1] == 0 else "utf-16-be"
    return "utf-8"


def text(start: bytes) -> str:
    """Return the first bytes of a file as text."""
    words = start.decode(encoding(start), errors="replace")
    return ANSI.sub("", words) if "\x1b" in words else words


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text without their ends and escape sequences; of a very large one some that are alike."""
    with binary(path) as file:
        wrapped = io.TextIOWrapper(file, encoding=encoding(head(path)), errors="replace", newline=None)
        thinner = Thinner(stride(path))
        while line := wrapped.readline(LONGEST_LINE):
            if not thinner.keeps(line.count(":"), line.count(","), line.count(",", 0, max(line.find(",,"), 0))):
                continue
            yield ANSI.sub("", line).rstrip("\r\n") if "\x1b" in line else line.rstrip("\r\n")
        wrapped.detach()


def document(path: Path) -> str:
    """Return a whole text of bounded size."""
    with binary(path) as file:
        data = file.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        raise LogError(
            f"{path}: is larger than {LARGEST_DOCUMENT >> 20} MB for one JSON document; give it as JSON lines"
        )
    return data.decode(encoding(data), errors="replace")
