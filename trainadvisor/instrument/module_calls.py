"""Module calls: the outermost one of a model is its forward; the inner ones are seen while a step is sampled."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, update_wrapper
from typing import Any, Protocol

import torch
from torch import nn
from torch.compiler import is_dynamo_compiling

from trainadvisor.instrument import module_tables, plan_events, tracing
from trainadvisor.instrument.hidden_frame import disguised, drop_own_frames, veiled
from trainadvisor.instrument.plan_events import PASSED
from trainadvisor.instrument.shortcut_slot import slot


class Listener(Protocol):
    """What a recorder can be told; every call is guarded by the recorder itself."""

    def on(self, name: str, *args: object) -> None:
        """Take the event `name` with its arguments."""

    def knows(self, module: nn.Module) -> bool:
        """Return whether calls of the module are to be seen."""

    def around_root(
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]
    ) -> Any:
        """Run the outermost module call."""


class LayerObserver(Protocol):
    """What is told of the module calls inside a sampled root call."""

    def enters(self, module: nn.Module) -> bool:
        """Note a module call inside a sampled root call; return whether its output is wanted."""

    def leaves(self) -> None:
        """Note that it has returned or raised."""

    def saw_layer(self, module: nn.Module, output: object) -> None:
        """Take its output."""


listeners: list[Listener] = []


class _Depth:
    """Whether a module call is running, and in which thread; plain attributes because every module call reads them."""

    inside = False
    observer: LayerObserver | None = None
    thread = 0
    # Whether the outermost module is in eval mode.
    evaluates = False


_depth = _Depth()


def evaluates() -> bool:
    """Return whether a known model runs now, and is in eval mode."""
    return _depth.inside and _depth.evaluates and _depth.thread == threading.get_ident()


@contextmanager
def sampling(observer: LayerObserver) -> Iterator[None]:
    """Let an observer see the inner module calls while a sampled root call runs."""
    _depth.observer = observer
    try:
        yield
    finally:
        _depth.observer = None


def tap() -> Callable[[], None]:  # noqa: C901 - a nested call has room for one frame only
    """Stand around every module call; return the call that undoes it."""
    original = nn.Module.__call__
    torchs_own = original is getattr(nn.Module, "_wrapped_call_impl", None)

    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: C901
        # asked first: while torch.compile traces, nothing of ours may become a guard of the graph
        if is_dynamo_compiling():
            return original(self, *args, **kwargs)
        # what `original` does, without its frame: nested models call so deep that one frame a call would show
        inner = (self._compiled_call_impl or self._call_impl) if torchs_own else partial(original, self)
        if _depth.inside:
            observer = _depth.observer
            if observer is None or _depth.thread != threading.get_ident() or tracing.now():
                return inner(*args, **kwargs)
            wanted = observer.enters(self)
            try:
                output = inner(*args, **kwargs)
            finally:
                if wanted:
                    observer.leaves()
            if wanted:
                observer.saw_layer(self, output)
            return output
        plain = None if slot.now is None else plan_events.taker(self, args, kwargs)
        if plain is PASSED or (plain is None and (tracing.now() or tracing.in_backward())):
            return inner(*args, **kwargs)
        if plain is not None:
            _depth.inside, _depth.thread, _depth.evaluates = True, threading.get_ident(), False
            try:
                output = inner(*args, **kwargs)
            except BaseException:
                drop_own_frames()
                raise
            finally:
                _depth.inside = False
            plain = slot.plan or plain  # armed by this forward, it knows of it
            try:
                plain.forward_ends(self, args, kwargs, output)
            except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
                plain.failed(error)
            return output
        try:
            return _root(self, args, kwargs, partial(inner, *args, **kwargs))
        except BaseException:
            drop_own_frames()
            raise

    call = disguised(call, original, "_call_impl") if torchs_own else veiled(call)
    update_wrapper(call, original, updated=())
    del call.__wrapped__  # type: ignore[attr-defined]
    nn.Module.__call__ = call  # type: ignore[method-assign]

    def restore() -> None:
        if nn.Module.__call__ is call:  # else another tool stands around it by now
            nn.Module.__call__ = original  # type: ignore[method-assign]

    return restore


@veiled
def _root(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:
    """Run a call as a root call of the listeners that know the module; for the others a root may come deeper."""
    entered = False
    for listener in () if args and _symbolic(module, args[0]) else listeners:
        if listener.knows(module):
            entered, call = True, _enclosed(listener, module, args, kwargs, call)
            _depth.inside, _depth.thread, _depth.evaluates = True, threading.get_ident(), not module.training
    try:
        return call()
    finally:
        if entered and _depth.thread == threading.get_ident():
            _depth.inside = False


def _symbolic(module: nn.Module, given: object) -> bool:
    """Return whether Keras only asks for shapes: a module with values is called with a tensor that has none."""
    if type(given) is not torch.Tensor:
        return type(given).__name__ == "KerasTensor"
    # elsewhere nobody asks so, and the user's own modes would hear of a look at the tensor
    if "keras" not in sys.modules or not given.is_meta:
        return False
    return not any(tensor.is_meta for tensor in module_tables.parameters(module))


def _enclosed(
    listener: Listener, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]
) -> Callable[[], Any]:
    return partial(listener.around_root, module, args, kwargs, call)
