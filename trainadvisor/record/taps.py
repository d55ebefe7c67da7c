"""Where torch is listened to: one table of its functions and what a recorder is told when they are called.

Taps are set when the first recorder starts and taken away with the last one. A listener is called through its guard
and can neither change a call nor fail it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, dataloader

from trainadvisor.record.graft import Around, graft
from trainadvisor.record.sites import user_place

Undo = Callable[[], None]

LOSSES = (
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss",
    "smooth_l1_loss", "huber_loss", "kl_div", "ctc_loss", "gaussian_nll_loss", "poisson_nll_loss", "soft_margin_loss",
    "hinge_embedding_loss", "margin_ranking_loss", "cosine_embedding_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
)  # fmt: skip


class Listener(Protocol):
    """What a recorder can be told; every call is guarded by the recorder itself."""

    def on(self, name: str, *args: object) -> None:
        """Take the event `name` with its arguments."""

    def around_root(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Run the outermost module call."""

    def around_inner(self, module: nn.Module, call: Callable[[], Any]) -> Any:  # noqa: ANN401
        """Run a module call inside a sampled root call."""


_listeners: list[Listener] = []
_undo: list[Undo] = []


class _Depth:
    """Whether a module call is running, and in which thread; plain attributes because every module call reads them."""

    inside = False
    sampling = False
    thread = 0


_depth = _Depth()


def add(listener: Listener) -> None:
    """Start telling a listener."""
    _listeners.append(listener)
    if not _undo:
        _undo.extend(_set_all())


def remove(listener: Listener) -> None:
    """Stop telling a listener; the last one takes the taps away."""
    if listener in _listeners:
        _listeners.remove(listener)
    if not _listeners:
        while _undo:
            _undo.pop()()


@contextmanager
def sampling() -> Iterator[None]:
    """Let inner module calls be seen while a sampled root call runs."""
    _depth.sampling = True
    try:
        yield
    finally:
        _depth.sampling = False


def tell(name: str, *args: object) -> None:
    """Tell every listener."""
    for listener in tuple(_listeners):
        listener.on(name, *args)


def _after(event: str) -> Around:
    """Run the call, then tell its arguments and its result."""

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        result = original(*args, **kwargs)
        tell(event, args, kwargs, result)
        return result

    return around


def _both(event: str) -> Around:
    """Tell before and after the call."""

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        tell(f"{event}_begins", args, kwargs)
        result = original(*args, **kwargs)
        tell(f"{event}_ends", args, kwargs, result)
        return result

    return around


def _loss(kind: str) -> Around:
    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        result = original(*args, **kwargs)
        if not torch.compiler.is_compiling() and type(result) in (torch.Tensor, nn.Parameter):
            tell("loss", kind, args, kwargs, result)
        return result

    return around


def _made(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
    """Tell the place that makes an object (its `__init__`)."""
    result = original(*args, **kwargs)
    if not torch.compiler.is_compiling():
        tell("made", args[0], user_place(3))
    return result


def _set_all() -> list[Undo]:
    undo = [_tap_modules()]
    undo += [graft(getattr(F, kind), _loss(kind)) for kind in LOSSES if hasattr(F, kind)]
    undo += [graft(torch.autograd.backward, _both("backward")), graft(torch.autograd.grad, _both("grad"))]
    undo += [graft(getattr(torch.nn.utils, name), _after(name)) for name in ("clip_grad_norm_", "clip_grad_value_")]
    undo += [graft(torch.optim.Optimizer.zero_grad, _after("zero_grad")), graft(nn.Module.zero_grad, _after("zero_grad"))]
    undo += [graft(owner.__init__, _made) for owner in (torch.optim.Optimizer, DataLoader, nn.Module)]
    undo += _tap_schedulers() + _tap_scaler() + _tap_loaders()
    undo += [graft(torch.save, _both("save")), graft(nn.Module.load_state_dict, _after("load_state_dict"))]
    undo += [graft(torch.manual_seed, _after("manual_seed"))]
    pre = register_optimizer_step_pre_hook(lambda optimizer, *_: tell("step_begins", optimizer))
    post = register_optimizer_step_post_hook(lambda optimizer, *_: tell("step_ends", optimizer))
    return [*undo, pre.remove, post.remove]


def _tap_modules() -> Undo:
    original = nn.Module.__call__

    def call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as nn.Module
        if _depth.inside:
            if _depth.sampling and not torch.compiler.is_compiling() and _depth.thread == threading.get_ident():
                return _listeners[0].around_inner(self, lambda: original(self, *args, **kwargs))
            return original(self, *args, **kwargs)
        if torch.compiler.is_compiling() or not _listeners:
            return original(self, *args, **kwargs)
        _depth.inside, _depth.thread = True, threading.get_ident()
        try:
            return _outermost(0, self, args, kwargs, lambda: original(self, *args, **kwargs))
        finally:
            _depth.inside = False

    nn.Module.__call__ = call  # type: ignore[method-assign]

    def restore() -> None:
        nn.Module.__call__ = original  # type: ignore[method-assign]

    return restore


def _outermost(
    index: int, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], call: Callable[[], Any]
) -> Any:  # noqa: ANN401 - as nn.Module
    if index >= len(_listeners):
        return call()
    inner = lambda: _outermost(index + 1, module, args, kwargs, call)  # noqa: E731 - the next listener's turn
    return _listeners[index].around_root(module, args, kwargs, inner)


def _tap_schedulers() -> list[Undo]:
    base = lr_scheduler.LRScheduler
    plateau = lr_scheduler.ReduceLROnPlateau
    kinds = {kind for kind in vars(lr_scheduler).values() if isinstance(kind, type) and issubclass(kind, base)}
    steps = {kind.__dict__["step"] for kind in kinds | {plateau} if "step" in kind.__dict__}
    return [graft(base.__init__, _made)] + [graft(step, _after("scheduler_step")) for step in steps]


def _tap_scaler() -> list[Undo]:
    scaler = torch.amp.GradScaler
    return [
        graft(scaler.scale, _after("scale")),
        graft(scaler.unscale_, _after("unscale")),
        graft(scaler.step, _both("scaler_step")),
        graft(scaler.update, _after("scaler_update")),
    ]


def _tap_loaders() -> list[Undo]:
    base = dataloader._BaseDataLoaderIter  # noqa: SLF001 - the only place every batch passes
    return [graft(DataLoader.__iter__, _after("loader_iter")), graft(base.__next__, _both("batch"))]
