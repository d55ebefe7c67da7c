"""Lengths of data sets as torch's samplers ask for them: a `__len__` of the script's is called no more often than that.

torch's modules of samplers and data sets find `len` among Python's own names; while we listen, they find one of ours
first, which asks as they would and notes the answer.
"""

import builtins
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any

from torch.utils.data import ConcatDataset, StackDataset, Subset, TensorDataset, dataset, distributed, sampler

from trainadvisor.instrument.call_sites import USERS, rank
from trainadvisor.instrument.hidden_frame import drop_own_frames, veiled

_MODULES = (sampler, distributed, dataset)
_NAME = "len"
# torch's own classes whose length takes nothing of the script's but the length of one thing that they hold.
_HOLDERS: dict[Any, str] = {
    Subset: "indices",
    ConcatDataset: "cumulative_sizes",
    TensorDataset: "tensors",
    StackDataset: "_length",
}

# What was asked for, by the id of what has that length.
_noted: dict[int, tuple[weakref.ref[Any], int]] = {}


def tap() -> Callable[[], None]:
    """Note lengths from now on; return the call that ends that."""
    set_in = [module for module in _MODULES if _NAME not in vars(module)]
    for module in set_in:
        setattr(module, _NAME, _length)

    def restore() -> None:
        for module in set_in:
            if vars(module).get(_NAME) is _length:
                delattr(module, _NAME)
        _noted.clear()

    return restore


def known_length(thing: object) -> int | None:
    """Return the length of a data set or sampler, None where only a `__len__` that the script wrote knows it.

    What torch has asked for is known, and what no code of the script's answers.
    """
    reference, length = _noted.get(id(thing), (None, 0))
    if reference is not None and reference() is thing:
        return length
    method = getattr(type(thing), "__len__", None)
    name = next((name for kind, name in _HOLDERS.items() if method is kind.__len__), None)
    if name is not None:
        return _held(thing, name)
    if method is None or _is_scripts(method):
        return None
    try:
        return len(thing)  # type: ignore[arg-type]
    except (TypeError, NotImplementedError):
        return None


def _is_scripts(method: object) -> bool:
    """Return whether the script wrote a method; a tensor, whose `__len__` torch wrote, may bear no weak reference."""
    return isinstance(method, FunctionType) and rank(method.__code__.co_filename) == USERS


def _held(thing: Any, name: str) -> int | None:
    """Return the length of one of torch's data sets by what it holds."""
    held = vars(thing).get(name)
    if name == "tensors":
        return int(held[0].shape[0]) if held else None
    if name == "cumulative_sizes":
        return int(held[-1]) if held else None
    return held if isinstance(held, int) else known_length(held)


@veiled
def _length(thing: Any) -> int:
    try:
        length = builtins.len(thing)
    except BaseException:
        drop_own_frames()
        raise
    if _is_scripts(getattr(type(thing), "__len__", None)):
        _note(thing, length)
    return length


def _note(thing: Any, length: int) -> None:
    key = id(thing)

    def forget(_: object) -> None:
        _noted.pop(key, None)

    with suppress(TypeError):  # some classes take no weak references
        _noted[key] = weakref.ref(thing, forget), length
