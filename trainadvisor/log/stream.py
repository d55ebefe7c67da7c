"""Turns the bytes of a log into batches of records: streaming, bounded, tolerant of a truncated end."""

import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from trainadvisor.errors import LogError
from trainadvisor.log.plain_steps import PlainSteps, split
from trainadvisor.regular import is_folder, opened

BLOCK = 1 << 19
# As JSON such a line may take twenty times its size in memory.
LONGEST_LINE = 24 << 20
# Bytes that an archive may unpack to: 4 GB in all, and beyond 256 MB at most 500 times its own size.
LARGEST_UNPACKED, LARGEST_RATIO, FREE = 4 << 30, 500, 256 << 20
FRAME = b" \t\r\n[],"

Records = list[Any]
# Records, and what plain steps stand among them.
Batch = tuple[Records, PlainSteps | None]


class Stream:
    """Iterates over batches of records and counts what could not be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad_lines = 0
        self.torn = False

    def __iter__(self) -> Iterator[Records]:
        for records, plain in self.batches():
            yield plain.with_others(records) if plain else records

    def batches(self) -> Iterator[Batch]:
        """Yield the records of the log, most steps as columns."""
        rest: list[bytes] = []
        length = 0
        for block in self._blocks():
            whole, newline, tail = block.rpartition(b"\n")
            if newline:
                body = b"".join([*rest, whole]).strip(FRAME)
                yield split(body) or (self._parse(body), None)
                rest, length = [], 0
            rest.append(tail)
            length += len(tail)
            if length > LONGEST_LINE:
                raise LogError(too_long(self.path))
        yield self._parse_end(b"".join(rest).strip(FRAME)), None

    def _blocks(self) -> Iterator[bytes]:
        total = 0
        with _open(self.path) as file:
            most = self._most()
            while block := self._read(file):
                total += len(block)
                if total > most:
                    size = f"{most / (1 << 30):.3g} GiB"
                    raise LogError(f"{self.path}: unpacks to more than {size}; unpack it by hand if you trust it")
                yield block

    def _most(self) -> float:
        """Return the most bytes that are read."""
        if self.path.suffix not in (".gz", ".zst"):
            return math.inf
        return min(LARGEST_UNPACKED, max(FREE, LARGEST_RATIO * self.path.stat().st_size))

    def _read(self, file: BinaryIO) -> bytes:
        """Read a block; a truncated compressed file ends where it was cut."""
        try:
            return cast("bytes", getattr(file, "read1", file.read)(BLOCK))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            return self._cut(error)
        except OSError as error:
            raise LogError(f"{self.path}: cannot be read ({error.strerror or error}); check the file") from error
        except Exception as error:
            if type(error).__name__ != "ZstdError":
                raise
            return self._cut(error)

    def _cut(self, _error: Exception) -> bytes:
        self.torn = True
        return b""

    def _parse(self, body: bytes) -> Records:
        if not body:
            return []
        try:
            return cast("Records", orjson.loads(b"[" + body + b"]"))
        except orjson.JSONDecodeError:
            return self._parse_lines(body.split(b"\n"))

    def _parse_lines(self, lines: list[bytes]) -> Records:
        records = []
        for line in lines:
            try:
                records += orjson.loads(b"[" + line.strip(FRAME) + b"]")
            except orjson.JSONDecodeError:
                self.bad_lines += 1
        return records

    def _parse_end(self, rest: bytes) -> Records:
        """Parse what follows the last line break: a bracket, a complete record, or the start of one."""
        before = self.bad_lines
        records = self._parse(rest)
        if self.bad_lines > before:
            self.bad_lines = before
            self.torn = True
        return records


def too_long(path: Path) -> str:
    """Return the error message for a line that is too long."""
    return f"{path}: a line is longer than {LONGEST_LINE >> 20} MB; this is not a trainadvisor log"


def _open(path: Path) -> BinaryIO:
    try:
        if is_folder(path):
            raise LogError(f"{path}: is a directory; name the log file in it")
        file = opened(path)
        if path.suffix == ".gz":
            return cast("BinaryIO", gzip.open(file, "rb"))
        return _open_zstd(path, file) if path.suffix == ".zst" else file
    except FileNotFoundError:
        raise LogError(f"{path}: no such file; record one with trainadvisor run or trainadvisor.watch") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LogError(f"{path}: cannot be opened ({reason}); check the path and its permissions") from error


def _open_zstd(path: Path, file: BinaryIO) -> BinaryIO:
    try:
        import zstandard
    except ImportError:
        raise LogError(f"{path}: reading .zst needs the zstandard package; pip install zstandard") from None
    return cast("BinaryIO", zstandard.open(file, "rb", closefd=True))
