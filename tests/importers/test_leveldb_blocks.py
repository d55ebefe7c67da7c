"""Records of a log of wandb that fill more than one block."""

import io
import struct
import zlib

from trainadvisor.importers.decode.leveldb_log import BLOCK, FIRST, FULL, LAST, LogRecords

PREAMBLE = 7


def piece(kind: int, data: bytes) -> bytes:
    """Return a piece of a record as it stands in a block."""
    return struct.pack("<IH", zlib.crc32(bytes([kind]) + data), len(data)) + bytes([kind]) + data


def filled(block: bytes) -> bytes:
    """Return a whole block: what is too short for another piece is zeros."""
    return block + bytes(BLOCK - len(block))


def test_only_the_first_block_begins_with_a_preamble() -> None:
    """The following ones are read from their first byte, also the rest of a record that began before."""
    first = filled(bytes(PREAMBLE) + piece(FULL, b"one") + piece(FIRST, b"two and "))
    second = filled(piece(LAST, b"three") + piece(FULL, b"four"))
    records = LogRecords(io.BytesIO(first + second + piece(FULL, b"five")), PREAMBLE)
    assert list(records) == [b"one", b"two and three", b"four", b"five"]
    assert (records.wrong, records.torn) == (0, False)
