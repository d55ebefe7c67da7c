"""Runs code around torch's own functions while each stays the same object.

Replacing an attribute would miss `from torch.nn.functional import cross_entropy`, break `is` comparisons and
pickles that name the function, and confuse TorchScript, which looks at the function's globals. So the function keeps
its identity, its globals, its source and its signature; only its code object is exchanged.
"""

import __future__

import functools
import inspect
import operator
import types
from collections.abc import Callable
from typing import Any, TypeVar

from trainadvisor.instrument.hidden_frame import VEIL, drop_own_frames, veiled

# Called as around(original, args, kwargs); returns what the caller gets.
Around = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
# Runs a call with the arguments as the detour has them; made for one function by `quick`.
Run = Callable[[tuple[Any, ...], dict[str, Any]], Any]
Quick = Callable[["Slot"], Run]
Value = TypeVar("Value")

# Stands for the slot in the source of a detour.
_SLOT = "slot of trainadvisor"
# Flags of code that say nothing about how it runs.
_SEEN_FLAGS = inspect.CO_NESTED | functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


class Slot:
    """What a detour finds among its constants: where its calls go, and the code that it stands for."""

    __slots__ = ("around", "closed", "code", "defaults", "dropped", "original", "run", "usual")

    def __init__(self, function: types.FunctionType, around: Around) -> None:
        self.code, self.original, self.around = function.__code__, _twin(function), around
        self.dropped = drop_own_frames
        self.closed = False
        self.defaults = _defaults_of(function)
        # The defaults in the order in which a detour hands their parameters on.
        self.usual = [self.defaults[name] for name in function.__code__.co_varnames if name in self.defaults]
        self.run: Run = self._run if self.defaults else self._run_as_given

    def close(self) -> None:
        """Hand every call to the original from now on: whoever patched after us may go on calling the detour."""
        self.closed, self.around = True, _pass_through

    @veiled
    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a call as its user would have written it: what has the default's value is left out."""
        if len(kwargs) == len(self.usual) and all(map(operator.is_, kwargs.values(), self.usual)):
            return self.around(self.original, args, {})
        return self.around(self.original, args, self.given(kwargs))

    def given(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments by name that are not what they are by default."""
        defaults = self.defaults
        return {name: value for name, value in kwargs.items() if name not in defaults or value is not defaults[name]}

    @veiled
    def _run_as_given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.around(self.original, args, kwargs)


def graft(function: Any, around: Around, quick: Quick | None = None) -> Callable[[], None]:
    """Make every call of the function go through `around`; return the call that undoes it.

    What `quick` makes of the original and of the usual way is called instead, and passes on what it does not take.
    What another tool has put in place since stays in place; ours then passes every call on.
    """
    slot = Slot(function, around)
    if quick is not None:
        slot.run = quick(slot)
    function.__code__ = _detour(slot.code, slot)

    def restore() -> None:
        slot.close()
        while (inner := _slot_of(function.__code__)) is not None and inner.closed:
            function.__code__ = inner.code

    return restore


def exchange(owner: Any, name: str, value: Value) -> Callable[[], None]:
    """Set an attribute; return the call that sets it back, unless another tool has set it since."""
    before = getattr(owner, name)
    setattr(owner, name, value)

    def restore() -> None:
        if getattr(owner, name, None) is value:
            setattr(owner, name, before)

    return restore


def _slot_of(code: types.CodeType) -> Slot | None:
    return next((const for const in code.co_consts if isinstance(const, Slot)), None)


@veiled
def _pass_through(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return original(*args, **kwargs)


def _twin(function: types.FunctionType) -> types.FunctionType:
    twin = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    return twin


def _defaults_of(function: types.FunctionType) -> dict[str, Any]:
    """Return the defaults of the parameters that a detour hands on by name: not of those before `*args`."""
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_posonlyargcount : code.co_argcount]
    placed = {} if code.co_flags & inspect.CO_VARARGS else dict(zip(reversed(names), reversed(values), strict=False))
    return placed | (function.__kwdefaults__ or {})


def _detour(code: types.CodeType, slot: Slot) -> types.CodeType:
    """Return code with the parameters, local names and free variables of `code` that hands its arguments to the slot.

    The slot is a constant of the code, so that neither torch's module nor the function holds a name of ours.
    """
    parameters, arguments = _handed_on(code, slot.defaults)
    source = f"""
def outer():
    {"".join(f"{name} = " for name in code.co_freevars)}None
    def inner({parameters}):
        try:
            return {_SLOT!r}.run({arguments})
        except:
            {_SLOT!r}.dropped()
            raise
        ({"".join(f"{name}, " for name in (*code.co_freevars, *code.co_varnames))})
        {"".join(f"{name} = " for name in code.co_varnames if name.isidentifier())}None
"""
    inner = _compiled(source)
    return inner.replace(
        co_flags=inner.co_flags & ~_SEEN_FLAGS | code.co_flags & _SEEN_FLAGS,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
        co_filename=f"{VEIL} {code.co_filename}",
        co_consts=tuple(slot if const == _SLOT else const for const in inner.co_consts),
    )


@functools.cache
def _compiled(source: str) -> types.CodeType:
    """Return the code of the inner function: the same for every recorder that listens, where many come in turn."""
    return _inside(_inside(compile(source, VEIL, "exec")))


def _inside(code: types.CodeType) -> types.CodeType:
    return next(const for const in code.co_consts if isinstance(const, types.CodeType))


def _handed_on(code: types.CodeType, defaults: dict[str, Any]) -> tuple[str, str]:
    """Return the parameters of code as source, and the arguments of the slot: a tuple and a dictionary."""
    names, end = code.co_varnames, code.co_argcount
    by_place, only_named = list(names[:end]), list(names[end : end + code.co_kwonlyargcount])
    stars = list(names[end + code.co_kwonlyargcount :])
    first = [f"*{stars.pop(0)}"] if code.co_flags & inspect.CO_VARARGS else []
    rest = [f"**{stars.pop(0)}"] if code.co_flags & inspect.CO_VARKEYWORDS else []
    slash = code.co_posonlyargcount
    parameters = [*by_place[:slash], *["/"][:slash], *by_place[slash:], *(first or ["*"][: len(only_named)])]
    named = [f"{name!r}: {name}" for name in [n for n in by_place if n in defaults] + only_named]
    args = "".join(f"{name}, " for name in [n for n in by_place if n not in defaults] + first)
    return ", ".join([*parameters, *only_named, *rest]), f"({args}), {{{', '.join([*named, *rest])}}}"
