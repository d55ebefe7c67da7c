"""Frames of ours that nobody should meet: warnings step over them, and tracebacks that reach user code lack them."""

import dis
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Code = TypeVar("Code", bound=Callable[..., Any])

# How the files of our frames begin: as with those of Python's own import machinery, `warnings` steps over them on its
# way to the line of the user, and torch.compile does not trace them.
VEIL = "<frozen importlib._bootstrap of trainadvisor>"
OURS = (str(Path(__file__).resolve().parents[1]) + os.sep, VEIL)


def veiled(function: Code) -> Code:
    """Put a function's frames behind the veil; return it."""
    assert isinstance(function, types.FunctionType)
    function.__code__ = function.__code__.replace(co_filename=VEIL)
    return function


def drop_own_frames(error: BaseException | None = None) -> None:
    """Take our frames out of the tracebacks of an exception, by default the one being handled, and of its causes.

    Called in our outermost frame just before a bare `raise`, which adds no entry of its own.
    """
    seen: set[int] = set()
    waiting = [sys.exc_info()[1] if error is None else error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        current.__traceback__ = _without_ours(current.__traceback__)
        waiting += [current.__cause__, current.__context__]
        waiting += current.exceptions if isinstance(current, BaseExceptionGroup) else []


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback without our entries; the others stay the same objects."""
    kept = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(OURS):
            kept.append(trace)
        trace = trace.tb_next
    for entry, following in zip(kept, [*kept[1:], None], strict=False):
        entry.tb_next = following
    return kept[0] if kept else None


def disguised(function: Code, original: Callable[..., Any], calling: str) -> Code:
    """Give a function that stands for torch's own the look of its frame, at its call of `calling`; return it.

    Then a traceback shows the line that it would show without us.
    """
    assert isinstance(function, types.FunctionType)
    assert isinstance(original, types.FunctionType)
    place = _call_of(original.__code__, calling)
    if place is None:
        return veiled(function)
    code = original.__code__
    function.__code__ = function.__code__.replace(
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
        co_linetable=_line_table(len(function.__code__.co_code) // 2, place, place[0] - code.co_firstlineno),
    )
    return function


def _call_of(code: types.CodeType, name: str) -> tuple[int, int, int, int] | None:
    """Return first and last line and column of the last call after an attribute was loaded."""
    loaded, found = False, None
    for instruction in dis.get_instructions(code):
        loaded = loaded or instruction.argval == name
        if loaded and instruction.opname.startswith("CALL"):
            found = instruction.positions
    if found is None or None in found:
        return None
    line, last, start, end = (int(number or 0) for number in found)
    return line, last, start, end


def _line_table(units: int, place: tuple[int, int, int, int], below: int) -> bytes:
    """Return a table of CPython 3.11 and later that places all instructions of a code, of so many units, alike.

    So many lines below the first one of the code.
    """
    line, last, start, end = place
    same = b"".join(map(_varint, (last - line, start + 1, end + 1)))
    steps = [_varint(below << 1), *[_varint(0)] * (units // 8)]  # from the line before; the lowest bit is the sign
    return b"".join(
        bytes([0x80 | 14 << 3 | min(8, units - begun) - 1]) + step + same
        for begun, step in zip(range(0, units, 8), steps, strict=False)
    )


def _varint(value: int) -> bytes:
    """Return a number in groups of six bits, the lowest first."""
    groups = []
    while value > 0x3F:
        groups.append(0x40 | value & 0x3F)
        value >>= 6
    return bytes([*groups, value])
