"""Damages foreign logs at random: bytes flipped, cut out, put in, lines doubled or swapped, the end cut off.

What has checksums gets them anew around the damage, and JSON is changed by its structure, so that the damage is read.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from mutation import changed

from trainadvisor.importers.decode.leveldb_log import BLOCK, FULL, HEAD, LogRecords
from trainadvisor.importers.decode.tfrecord import Frames, is_frame, masked_crc

if TYPE_CHECKING:
    from collections.abc import Iterable

ODD = (
    b"nan",
    b"-1",
    b"1e999",
    b"\0",
    b"\n",
    b",",
    b'"',
    b"{",
    b"}",
    b"\xff\xfe",
    b"\x1b[2K",
    b"1" * 400,
    b"[" * 50,
    b"9" * 18,
)
ENOUGH = 4
WANDB = b":W&B"
PREAMBLE = 7


def damaged(data: bytes, seed: int) -> bytes:
    """Return the bytes with one to four damages, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - damage is no secret
    for _ in range(chance.randint(1, ENOUGH)):
        place = chance.randrange(len(data) + 1)
        end = place + chance.randint(1, 60)
        kind = chance.random()
        if kind < 0.3:
            data = data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]
        elif kind < 0.5:
            data = data[:place] + data[end:]
        elif kind < 0.7:
            data = data[:place] + chance.choice(ODD) + data[place:]
        elif kind < 0.8:
            data = data[:place]
        else:
            lines = data.split(b"\n")
            first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[first], lines[second] = lines[second], lines[chance.choice((first, second))]
            data = b"\n".join(lines)
    return data


def mutated(data: bytes, size: int, seed: int) -> bytes:
    """Return another file of the same format, at most so long, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a mutation is no secret
    kind = chance.random()
    made: bytes | None = None
    if kind < 0.7 and is_frame(data[:12]):
        made = b"".join(map(_frame, _some(Frames(Path(), io.BytesIO(data)), chance)))
    elif kind < 0.7 and data.startswith(WANDB):
        stream = io.BytesIO(data)
        made = data[:PREAMBLE] + _blocks(_some(LogRecords(stream, PREAMBLE), chance))
    elif kind < 0.5:
        made = changed(data, chance)
    return made[:size] if made else damaged(data, seed)[:size]


def _some(records: Iterable[bytes], chance: random.Random) -> list[bytes]:
    """Return records of which one or a few are damaged, gone, doubled or elsewhere."""
    kept = list(records)
    for _ in range(chance.randint(1, ENOUGH) if kept else 0):
        place, other = chance.randrange(len(kept)), chance.randrange(len(kept))
        kind = chance.random()
        if kind < 0.7:
            kept[place] = damaged(kept[place], chance.randrange(1 << 30))
        elif kind < 0.8 and len(kept) > 1:
            del kept[place]
        else:
            kept.insert(other, kept[place])
    return kept


def _frame(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def _blocks(records: list[bytes]) -> bytes:
    """Return a log of one block, with the records that fit into it."""
    block = b""
    for record in records:
        piece = bytes([FULL]) + record
        if PREAMBLE + len(block) + HEAD + len(record) <= BLOCK:
            block += struct.pack("<IH", zlib.crc32(piece), len(record)) + piece
    return block
