"""Frames of ours that nobody should meet: warnings step over them, and tracebacks that reach user code lack them."""

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Code = TypeVar("Code", bound=Callable[..., Any])

VEIL = "<frozen importlib._bootstrap of trainadvisor>"
"""How the files of our frames begin: as with those of Python's own import machinery, `warnings` steps over them on
its way to the line of the user, and torch.compile does not trace them."""
_OURS = (str(Path(__file__).resolve().parents[1]) + os.sep, VEIL)


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
        if not trace.tb_frame.f_code.co_filename.startswith(_OURS):
            kept.append(trace)
        trace = trace.tb_next
    for entry, following in zip(kept, [*kept[1:], None], strict=False):
        entry.tb_next = following
    return kept[0] if kept else None
