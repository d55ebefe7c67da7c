"""Runs code around torch's own functions while each stays the same object.

Replacing an attribute would miss `from torch.nn.functional import cross_entropy`, break `is` comparisons and
pickles that name the function, and confuse TorchScript, which looks at the function's globals. So the function keeps
its identity, its globals and its source; only its code object is exchanged.
"""

import functools
import itertools
import types
from collections.abc import Callable
from typing import Any, TypeVar

Code = TypeVar("Code", bound=Callable[..., Any])
Around = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""Called as around(original, args, kwargs); returns what the caller gets."""

VEIL = "<frozen importlib._bootstrap of trainadvisor>"
"""File that our frames say they are in: as with Python's own import machinery, `warnings` steps over them on its way to
the user's line, and torch.compile does not trace them. Tracebacks drop them."""

_serial = itertools.count()


def veiled(function: Code) -> Code:
    """Put a function's frames behind the veil; return it."""
    assert isinstance(function, types.FunctionType)
    function.__code__ = function.__code__.replace(co_filename=VEIL)
    return function


def graft(function: Any, around: Around) -> Callable[[], None]:
    """Make every call of the function go through `around`; return the call that undoes it."""
    code, slot = function.__code__, f"_trainadvisor_{next(_serial)}"
    original = _twin(function)
    function.__globals__[slot] = functools.partial(around, original)
    wrapped = getattr(function, "__wrapped__", None)
    function.__code__ = _detour(code, slot)
    if wrapped is None:
        function.__wrapped__ = original

    def restore() -> None:
        function.__code__ = code
        if wrapped is None:
            del function.__wrapped__
        function.__globals__.pop(slot, None)

    return restore


def _twin(function: types.FunctionType) -> types.FunctionType:
    twin = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def _detour(code: types.CodeType, slot: str) -> types.CodeType:
    """Return code that hands its arguments to the slot, with as many free variables as `code`."""
    free = "".join(f"{name} = " for name in code.co_freevars) + "None" if code.co_freevars else "pass"
    touch = f"({', '.join(code.co_freevars)},); " if code.co_freevars else ""
    source = f"def outer():\n    {free}\n    def inner(*args, **kwargs):\n        {touch}return {slot}(args, kwargs)"
    outer = next(const for const in compile(source, VEIL, "exec").co_consts if isinstance(const, types.CodeType))
    inner = next(const for const in outer.co_consts if isinstance(const, types.CodeType))
    return inner.replace(co_name=code.co_name, co_qualname=code.co_qualname, co_firstlineno=code.co_firstlineno)
