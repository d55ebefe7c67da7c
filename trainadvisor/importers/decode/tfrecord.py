"""The frames of a TFRecord file: length, its masked CRC-32C, the data, the CRC of the data."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

POLYNOMIAL = 0x82F63B78
MASK_DELTA = 0xA282EAD8
HEAD, FOOT = 12, 4
# Scalars take some dozens of bytes; graphs, images and histograms are passed over unread.
LONGEST_READ = 1 << 16


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


TABLE = _table()


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of bytes as TFRecord files store it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def is_frame(head: bytes) -> bool:
    """Return whether bytes begin with the length of a frame and its right checksum."""
    return len(head) >= HEAD and masked_crc(head[:8]) == int.from_bytes(head[8:HEAD], "little")


class Frames:
    """Iterates over the data of the frames from an offset on and keeps count of what is not sound."""

    def __init__(self, path: Path, file: BinaryIO, offset: int = 0, keeps: Callable[[int], bool] | None = None) -> None:
        self.path = path
        self.wrong = 0
        self.passed_over = 0
        # Where the first frame begins that is not read yet.
        self.offset = offset
        self.lost = False
        self.torn = False
        self._file = file
        self._keeps = keeps or (lambda _length: True)

    def __iter__(self) -> Iterator[bytes]:
        if self.offset:
            self._file.seek(self.offset)
        self.torn = False
        while head := self._file.read(HEAD):
            if len(head) == HEAD and not is_frame(head):
                self.lost = True
                return
            length = int.from_bytes(head[:8], "little") if len(head) == HEAD else 0
            data = self._data(length) if len(head) == HEAD else None
            if data is None:
                self.torn = True
                return
            self.offset += HEAD + length + FOOT
            if data:
                yield data

    def _data(self, length: int) -> bytes | None:
        """Return the data of a frame, nothing for one that is wrong or too long, None where the file ends in it."""
        if length > LONGEST_READ:
            self.passed_over += 1
            return self._passed_over(length)
        data, foot = self._file.read(length), self._file.read(FOOT)
        if len(foot) < FOOT:
            return None
        if not self._keeps(length):
            return b""
        if masked_crc(data) != struct.unpack("<I", foot)[0]:
            self.wrong += 1
            return b""
        return data

    def _passed_over(self, length: int) -> bytes | None:
        """Step over a frame without reading it."""
        while length > 0:
            read = len(self._file.read(min(length, 1 << 20)))
            length -= read
            if not read:
                return None
        return b"" if len(self._file.read(FOOT)) == FOOT else None
