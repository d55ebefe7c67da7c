"""Tells exceptions that the user's signal handlers raise in the middle of our code from mistakes of ours.

Python runs a signal handler between any two instructions, ours included. What it raises, a time limit for instance, is
meant for the user's code: whoever catches everything asks here first and lets it pass.
"""

import functools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import CodeType, FrameType, TracebackType
from typing import Any, TypeVar

from trainadvisor.frame_variables import variables_of

T = TypeVar("T")


def from_handler(error: BaseException) -> bool:
    """Return whether a signal handler raised the error, seen by the frames that it passed."""
    frames = list(_frames(error.__traceback__))
    if not frames:
        return False
    return not _handlers().isdisjoint(frame.f_code for frame in frames) or any(map(_called_as_handler, frames))


@contextmanager
def suppressed() -> Iterator[None]:
    """Pass over every exception but those of signal handlers."""
    try:
        yield
    except Exception as error:
        if from_handler(error):
            raise


def unless_it_fails(function: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
    """Return what a function returns, None where it fails; the error of a signal handler passes."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if from_handler(error):
            raise
        return None


@contextmanager
def kept_from_ending() -> Iterator[None]:
    """Let signal handlers run, but no error of theirs out, while what follows a script that has ended is done.

    The error of a loader's dead worker may be told by the loader first and by its handler of SIGCHLD a moment later:
    nobody is left then who would catch it. An exit that a handler asks for, and an interrupt, pass.
    """
    with ExitStack() as undo:
        if threading.current_thread() is threading.main_thread():
            for number in signal.valid_signals():
                _keep_from_raising(number, undo)
        yield


def _keep_from_raising(number: int, undo: ExitStack) -> None:
    handler = signal.getsignal(number)
    if not callable(handler) or handler is signal.default_int_handler:
        return

    def quiet(*given: Any) -> None:
        with suppress(Exception):
            handler(*given)

    def restore() -> None:
        if signal.getsignal(number) is quiet:
            signal.signal(number, handler)

    _set(number, quiet)
    undo.callback(restore)


def _set(number: int, handler: Callable[..., None]) -> None:
    """Set a handler; one that waits to be run is run before that, and may raise."""
    with suppress(Exception):
        signal.signal(number, handler)
        return
    signal.signal(number, handler)


def _frames(traceback: TracebackType | None) -> Iterator[FrameType]:
    while traceback is not None:
        yield traceback.tb_frame
        traceback = traceback.tb_next


def _called_as_handler(frame: FrameType) -> bool:
    """Return whether a frame got a signal's number and the frame that called it, as only handlers do."""
    code = frame.f_code
    count = code.co_argcount + bool(code.co_flags & 0x04)
    variables = variables_of(frame)
    given = [variables.get(name) for name in code.co_varnames[: count + code.co_kwonlyargcount]]
    values = [part for value in given for part in (value if isinstance(value, tuple) else (value,))]
    return frame.f_back is not None and any(value is frame.f_back for value in values)


def _handlers() -> set[CodeType]:
    """Return the code of the signal handlers that are set now."""
    found = (_code(signal.getsignal(number)) for number in signal.valid_signals())
    return {code for code in found if code is not None}


def _code(handler: Any) -> CodeType | None:
    while isinstance(handler, functools.partial):
        handler = handler.func
    function = getattr(handler, "__func__", handler)
    if not hasattr(function, "__code__"):
        function = vars(type(handler)).get("__call__")
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None
