"""The scalars of a TensorBoard event file, in the form of torch (simple_value) and of TensorFlow 2 (a tensor)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from trainadvisor.importers.decode.protobuf import MalformedError, fields, floating, signed, text, varints

EVENT_TIME, EVENT_STEP, EVENT_SUMMARY = 1, 2, 5
SUMMARY_VALUE = 1
TAG, SIMPLE, TENSOR = 1, 2, 8
DTYPE, SHAPE, CONTENT = 1, 2, 4
HALFS = 13
# How the elements of a tensor are packed, by its dtype: float, double, int32, int64, float16.
PACKED = {1: "<f", 2: "<d", 3: "<i", 9: "<q", 19: "<e"}
BFLOAT16 = 14
LISTS = {5: "<f", 6: "<d"}
INTEGER_LISTS = {7, 10}


class Scalar(NamedTuple):
    """One point of one curve."""

    tag: str
    step: int
    time: float
    value: float


def scalars(frame: bytes) -> Iterator[Scalar]:
    """Yield the scalars of one event; other kinds of summary are left out."""
    step, time, summaries = 0, 0.0, []
    for number, value in fields(frame):
        if number == EVENT_TIME:
            time = floating(value) or 0.0
        elif number == EVENT_STEP and isinstance(value, int):
            step = signed(value)
        elif number == EVENT_SUMMARY and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in fields(summary):
            if number == SUMMARY_VALUE and isinstance(value, bytes):
                tag, scalar = _value(value)
                if scalar is not None:
                    yield Scalar(tag, step, time, scalar)


def _value(message: bytes) -> tuple[str, float | None]:
    """Return tag and number of one summary, None where it holds no single number."""
    tag, number = "", None
    for field, value in fields(message):
        if field == TAG:
            tag = text(value)
        elif field == SIMPLE:
            number = floating(value)
        elif field == TENSOR and isinstance(value, bytes):
            number = _tensor(value)
    return tag, number


def _tensor(message: bytes) -> float | None:
    """Return the element of a tensor that has one."""
    found = list(fields(message))
    held = {number: value for number, value in found if number not in (SHAPE, *LISTS, *INTEGER_LISTS)}
    if any(number == SHAPE and value for number, value in found):
        return None
    content, kind = held.get(CONTENT), held.get(DTYPE)
    if isinstance(content, bytes) and content and isinstance(kind, int):
        return _unpacked(content, kind)
    numbers = [number for field, value in found for number in _listed(field, value)]
    halfs = held.get(HALFS)
    if halfs and isinstance(kind, int):
        bits = varints(halfs) if isinstance(halfs, bytes) else [halfs]
        return _unpacked((bits[0] & 0xFFFF).to_bytes(2, "little"), kind) if len(bits) == 1 else None
    return numbers[0] if len(numbers) == 1 else None


def _listed(field: int, value: int | bytes) -> list[float]:
    """Return the numbers of a repeated field of a tensor."""
    if field in LISTS and isinstance(value, bytes):
        code = LISTS[field]
        if len(value) % struct.calcsize(code):
            raise MalformedError("a list of numbers is cut off")
        return [number for (number,) in struct.iter_unpack(code, value)]
    if field in INTEGER_LISTS:
        return [float(signed(number)) for number in (varints(value) if isinstance(value, bytes) else [value])]
    return []


def _unpacked(content: bytes, kind: int) -> float | None:
    """Return the only element of packed content."""
    if kind == BFLOAT16:
        content, kind = b"\0\0" + content, 1
    code = PACKED.get(kind)
    if code is None or len(content) != struct.calcsize(code):
        return None
    return float(struct.unpack(code, content)[0])
