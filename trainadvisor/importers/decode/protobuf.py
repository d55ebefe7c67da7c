"""Protocol buffers without their library: the numbered fields of one message."""

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10

Field = tuple[int, int | bytes]


class MalformedError(ValueError):
    """The bytes are no message."""


def fields(data: bytes) -> Iterator[Field]:
    """Yield number and value of each field: varints as int, everything else as its bytes."""
    position, end = 0, len(data)
    while position < end:
        key, position = _varint(data, position)
        kind = key & 7
        if kind == VARINT:
            value, position = _varint(data, position)
            yield key >> 3, value
            continue
        size = 8 if kind == FIXED64 else 4
        if kind == BYTES:
            size, position = _varint(data, position)
        elif kind not in (FIXED64, FIXED32):
            raise MalformedError(f"wire type {kind}")
        if position + size > end:
            raise MalformedError("a field is longer than its message")
        yield key >> 3, data[position : position + size]
        position += size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number that starts at a position and the position after it."""
    value = 0
    for place in range(LONGEST_VARINT):
        if position >= len(data):
            raise MalformedError("a number is cut off")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint has its high bit clear
            return value, position
    raise MalformedError("a number has no end")


def varints(data: bytes) -> list[int]:
    """Return the numbers of a packed field."""
    found, position = [], 0
    while position < len(data):
        value, position = _varint(data, position)
        found.append(value)
    return found


def signed(value: int) -> int:
    """Return a 64-bit varint as the int64 that it stands for."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def floating(data: int | bytes) -> float | None:
    """Return a fixed field as the float or double that it is, None where the field is neither."""
    if isinstance(data, bytes) and len(data) in (4, 8):
        number: float = struct.unpack("<f" if len(data) == 4 else "<d", data)[0]  # noqa: PLR2004 - bytes of a float
        return number
    return None


def text(data: int | bytes) -> str:
    """Return a field as text; bytes that are no UTF-8 are replaced."""
    return data.decode(errors="replace") if isinstance(data, bytes) else ""
