"""The records of a LevelDB log as W&B writes it: blocks of 32 KiB, each piece with its CRC-32."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

BLOCK = 32 << 10
HEAD = 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
LARGEST_RECORD = 64 << 20


class LogRecords:
    """Iterates over the records of a log whose first block starts with some bytes of its own."""

    def __init__(self, file: BinaryIO, preamble: int) -> None:
        self.wrong = 0
        self.torn = False
        self._file = file
        self._preamble = preamble

    def __iter__(self) -> Iterator[bytes]:
        parts: list[bytes] = []
        begun, size = False, 0
        for kind, piece in self._pieces():
            if kind in (FULL, FIRST):
                self.wrong += begun
                parts, begun, size = [], kind == FIRST, 0
            elif not begun:
                continue
            parts.append(piece)
            size += len(piece)
            if size > LARGEST_RECORD:
                self.wrong += 1
                parts, begun, size = [], False, 0
            elif kind in (FULL, LAST):
                yield b"".join(parts)
                parts, begun, size = [], False, 0
        self.torn = self.torn or begun

    def _pieces(self) -> Iterator[tuple[int, bytes]]:
        """Yield kind and data of each sound piece; what follows a damaged one in its block is left out."""
        start = self._preamble
        while block := self._file.read(BLOCK):
            last = len(block) < BLOCK
            position = start
            start = 0
            while position + HEAD <= len(block):
                length = int.from_bytes(block[position + 4 : position + 6], "little")
                kind, end = block[position + 6], position + HEAD + length
                if not kind and not length:
                    break
                if end > len(block) and last:
                    self.torn = True
                    return
                if end > len(block) or not _is_sound(block, position, end):
                    self.wrong += 1
                    break
                yield kind, block[position + HEAD : end]
                position = end
            self.torn = last and 0 < len(block) - position < HEAD and any(block[position:])


def _is_sound(block: bytes, position: int, end: int) -> bool:
    return zlib.crc32(block[position + 6 : end]) == int.from_bytes(block[position : position + 4], "little")
