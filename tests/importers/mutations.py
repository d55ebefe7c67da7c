"""Damages foreign logs at random: bytes flipped, cut out, put in, lines doubled or swapped, the end cut off."""

from __future__ import annotations

import random

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
