"""Where torch is listened to: one table of its functions and what a recorder is told when they are called.

Taps are set when the first recorder starts and taken away with the last one. A listener is called through its guard
and can neither change a call nor fail it.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.compiler import is_compiling
from torch.optim import lr_scheduler
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.data import DataLoader

from trainadvisor.instrument import (
    asked_lengths,
    forward_stacks,
    module_calls,
    plan_events,
    private_torch,
    quick,
    taps,
    tracing,
)
from trainadvisor.instrument.call_sites import maker_place, rank, user_place
from trainadvisor.instrument.foreign_metrics import is_metric
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.module_calls import Listener, listeners
from trainadvisor.instrument.patching import Around, graft
from trainadvisor.instrument.private_torch import set_eval_frame
from trainadvisor.instrument.running_events import running
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.taps import after, backward, batch, both, loss, tell, zero_grad

Undo = Callable[[], None]

LOSSES = (
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss",
    "smooth_l1_loss", "huber_loss", "kl_div", "ctc_loss", "gaussian_nll_loss", "poisson_nll_loss", "soft_margin_loss",
    "hinge_embedding_loss", "margin_ranking_loss", "cosine_embedding_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss", "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss",
)  # fmt: skip

# The module of losses that hold nothing: where one is made says nothing, and some scripts make one in each step.
_LOSSES_MADE = nn.modules.loss.__name__

# Functions that drop unless they are told the mode, with the arguments behind their input.
DROPOUTS = ("dropout", "dropout1d", "dropout2d", "dropout3d")
DROPOUT_DEFAULTS = {"p": 0.5, "training": True}

_undo: list[Undo] = []


# The optimizers (ids) whose step is running, the outermost first.
_stepping: list[int] = []


def add(listener: Listener) -> None:
    """Start telling a listener; what was set is taken away again where something cannot be."""
    listeners.append(listener)
    slot.clear()
    if _undo:
        return
    try:
        _undo.extend(_set_all())  # what comes before a failure is kept, to be undone
    except BaseException:
        remove(listener)
        raise


def remove(listener: Listener) -> None:
    """Stop telling a listener; the last one takes the taps away."""
    slot.clear()
    if listener in listeners:
        listeners.remove(listener)
    if not listeners:
        while _undo:
            _undo.pop()()


def discovering() -> bool:
    """Return whether somebody records whatever trains."""
    return any(getattr(listener, "discover", False) for listener in listeners)


@veiled
def _dropout(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tell of a dropout that a model in eval mode asks for by itself: its layers follow the mode."""
    if is_compiling() or not module_calls.evaluates():
        return original(*args, **kwargs)
    given = {**DROPOUT_DEFAULTS, **dict(zip(("input", *DROPOUT_DEFAULTS), args, strict=False)), **kwargs}
    if given["training"] and given["p"] and not tracing.now() and not _by_layer():
        tell("eval_dropout", f"F.{original.__name__}", user_place())
    return original(*args, **kwargs)


def _by_layer() -> bool:
    """Return whether a layer of torch has called: whose mode is seen anyway."""
    frame = sys._getframe(1)
    while rank(frame.f_code.co_filename) == 0 and frame.f_back is not None:
        if isinstance(frame.f_locals.get("self"), nn.Module):
            return True
        frame = frame.f_back
    return False


@veiled
def _grad(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tell of gradients that are asked for directly, by the user or by torch.func."""
    result = original(*args, **kwargs)
    if not is_compiling() and not tracing.in_backward():
        tell("grad", args, kwargs, tracing.transformed())
    return result


@veiled
def _made(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tell the place that makes an object (its `__init__`)."""
    result = original(*args, **kwargs)
    if not is_compiling() and type(args[0]).__module__ != _LOSSES_MADE:
        compiling = set_eval_frame(None)
        try:
            if is_metric(args[0]):
                return result
            tell("made", args[0], maker_place(args[0]))
        finally:
            set_eval_frame(compiling)
    return result


@veiled
def _first_scheduler_step(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run the step that a scheduler makes by itself when it is created: it is nobody's call."""
    inner = "scheduler_step" not in running.events
    running.events.add("scheduler_step")
    try:
        return original(*args, **kwargs)
    finally:
        if inner:
            running.events.discard("scheduler_step")


def _set_all() -> Iterator[Undo]:
    yield module_calls.tap()
    yield asked_lengths.tap()
    yield from forward_stacks.tap()
    for kind in LOSSES:
        if hasattr(F, kind):
            yield graft(getattr(F, kind), loss(kind), quick.loss(kind))
    for kind in DROPOUTS:
        yield graft(getattr(F, kind), _dropout, quick.dropout)
    for function, around in _functions():
        yield graft(function, around, quick.RUNS.get(around))
    yield register_optimizer_step_pre_hook(_step_begins).remove
    yield register_optimizer_step_post_hook(_step_ends).remove


def _functions() -> list[tuple[Any, Around]]:
    """Return the functions besides the losses, each with what runs around it."""
    clipping = [
        (nn.utils.clip_grad_norm_, after("clip_grad_norm_", plain=True)),
        (nn.utils.clip_grad_value_, after("clip_grad_value_")),
    ]
    zeroing = [(owner.zero_grad, zero_grad) for owner in (torch.optim.Optimizer, nn.Module)]
    sequences = [(kind.forward, after("sequence_layer")) for kind in (nn.RNN, nn.LSTM, nn.GRU, nn.MultiheadAttention)]
    making = [(owner.__init__, _made) for owner in (torch.optim.Optimizer, DataLoader, nn.Module)]
    return [
        (torch.autograd.backward, backward),
        (torch.autograd.grad, _grad),
        *clipping, *zeroing, *sequences, *making, *_of_schedulers(), *_of_scalers(), *_of_loaders(),
        (torch.save, both("save")),
        (torch.load, after("file_loaded")),
        (nn.Module.state_dict, after("state_dict")),
        (nn.Module.load_state_dict, after("load_state_dict")),
        (nn.Module.eval, after("eval_mode")),
        (torch.manual_seed, after("manual_seed")),
        (torch.utils.swap_tensors, both("swap")),
    ]  # fmt: skip


def _step_begins(optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Tell of a step and whether it has a closure; a step inside another one (a wrapper's) is part of that."""
    if is_compiling():
        return
    if _stepping and not _under_another_step():
        _stepping.clear()  # that step was left by an exception
    _stepping.append(id(optimizer))
    if len(_stepping) == 1:
        if slot.printed:
            slot.look()
        if slot.plan is not None and plan_events.step_begins(optimizer, args, kwargs):
            return
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        taps.step_begins(optimizer, closure is not None)


def _step_ends(optimizer: torch.optim.Optimizer, *_: object) -> None:
    if is_compiling():
        return
    if _stepping:
        _stepping.pop()
    if not _stepping:
        if slot.plan is not None and plan_events.step_ends(optimizer):
            return
        taps.step_ends(optimizer)


def _under_another_step() -> bool:
    hook = sys._getframe(2)
    frame = hook.f_back
    while frame is not None and frame.f_code is not hook.f_code:
        frame = frame.f_back
    return frame is not None


def _of_schedulers() -> list[tuple[Any, Around]]:
    base = lr_scheduler.LRScheduler
    plateau = lr_scheduler.ReduceLROnPlateau
    kinds = {kind for kind in vars(lr_scheduler).values() if isinstance(kind, type) and issubclass(kind, base)}
    steps = {kind.__dict__["step"] for kind in kinds | {plateau} if "step" in kind.__dict__}
    first = private_torch.first_scheduler_step
    own = [(base.__init__, _made), *([] if first is None else [(first, _first_scheduler_step)])]
    return own + [(step, after("scheduler_step", plain=True)) for step in steps]


def _of_scalers() -> list[tuple[Any, Around]]:
    scaler = torch.amp.GradScaler
    return [
        (scaler.scale, after("scale")),
        (scaler.unscale_, after("unscale")),
        (scaler.step, both("scaler_step")),
        (scaler.update, after("scaler_update")),
    ]


def _of_loaders() -> list[tuple[Any, Around]]:
    iterator = private_torch.loader_iterator
    batches = [] if iterator is None else [(iterator.__next__, batch)]
    return [(DataLoader.__iter__, after("loader_iter")), *batches]
