"""Fields of protobuf messages, written by hand."""


def varint(value: int) -> bytes:
    """Return a number as protobuf writes it."""
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


def number(field: int, value: int) -> bytes:
    """Return a field that holds a number."""
    return varint(field << 3) + varint(value)


def held(field: int, data: bytes) -> bytes:
    """Return a field that holds bytes."""
    return varint(field << 3 | 2) + varint(len(data)) + data
