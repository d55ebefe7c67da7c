"""What is told of a call: before it, after it or both, by the short way where a plain step is expected."""

from collections.abc import Callable
from typing import Any

import torch
from torch.compiler import is_compiling

from trainadvisor.instrument import tracing
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.module_calls import listeners
from trainadvisor.instrument.patching import Around
from trainadvisor.instrument.private_torch import set_eval_frame
from trainadvisor.instrument.running_events import running
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.user_modes import apart

# What a class of tensors has that does not intercept torch's operations.
_NO_DISPATCH = torch.Tensor.__torch_dispatch__


@veiled
def tell(name: str, *args: object) -> None:
    """Tell every listener; torch.compile, when it is about, looks away."""
    compiling, gradients = set_eval_frame(None), torch.is_grad_enabled()
    try:
        for listener in tuple(listeners):
            listener.on(name, *args)
    except BaseException:
        # of a signal handler's: raised at the border of a `no_grad` of ours, it leaves the switch where it was set
        torch.set_grad_enabled(gradients)
        raise
    finally:
        set_eval_frame(compiling)


def after(event: str, *, plain: bool = False) -> Around:
    """Return what runs the call, then tells its arguments and its result.

    Of a call that plain steps may have (`plain`), the plan and the shortcuts are asked first, by the event's name.
    """

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_compiling() or event in running.events:
            return original(*args, **kwargs)
        running.events.add(event)
        try:
            result = original(*args, **kwargs)
        finally:
            running.events.discard(event)
        told = (event, args, kwargs, result)
        if not (plain and (taken(slot.plan, *told) or taken(slot.now, *told))):
            tell(*told)
        return result

    return veiled(around)


@veiled
def taken(taker: Any, event: str, *told: object) -> bool:
    """Return whether a plan or the shortcuts have taken an event."""
    try:
        return taker is not None and getattr(taker, event)(*told)
    except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
        return bool(taker.failed(error))


@veiled
def step_begins(optimizer: torch.optim.Optimizer, closure: bool) -> None:  # noqa: FBT001 - as the event has it
    """Tell that an optimizer steps, and whether it has a closure."""
    if not taken(slot.now, "step_begins", optimizer, closure):
        tell("step_begins", optimizer, closure)


@veiled
def step_ends(optimizer: torch.optim.Optimizer) -> None:
    """Tell that it has stepped."""
    if not taken(slot.now, "step_ends", optimizer):
        tell("step_ends", optimizer)


@veiled
def zero_grad(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tell of cleared gradients."""
    if slot.now is None or is_compiling() or "zero_grad" in running.events:
        return _slow_zero_grad(original, args, kwargs)
    result = original(*args, **kwargs)
    cleared(args, kwargs, result)
    return result


@veiled
def cleared(args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> None:
    """Tell that gradients were cleared."""
    plain = slot.now
    if plain is not None:
        try:
            if plain.zero_grad(args[0]):
                return
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            plain.failed(error)
    tell("zero_grad", args, kwargs, result)


_slow_zero_grad = after("zero_grad")


@veiled
def backward(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tell before and after a backward."""
    plain = slot.now
    if plain is None or is_compiling() or tracing.in_backward() or kwargs or "backward" in running.events:
        return _slow_backward(original, args, kwargs)
    try:
        taken = plain.backward_begins(args)
    except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
        taken = plain.failed(error)
    if not taken:
        return _slow_backward(original, args, kwargs)
    try:
        result = original(*args, **kwargs)  # of a plain tensor: nothing comes back here but from inside the backward
    except BaseException:
        backward_failed()
        raise
    backward_ended(args, kwargs, result)
    return result


@veiled
def backward_ended(args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> None:
    """Tell that a backward has ended."""
    plain = slot.now
    if plain is not None:
        try:
            if plain.backward_ends():
                return
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            plain.failed(error)
    tell("backward_ends", args, kwargs, result)


def both(event: str) -> Around:
    """Return what tells before and after the call."""

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_compiling() or event in running.events or tracing.in_backward():
            return original(*args, **kwargs)
        running.events.add(event)
        try:
            tell(f"{event}_begins", args, kwargs)
            result = original(*args, **kwargs)
        finally:
            running.events.discard(event)
        tell(f"{event}_ends", args, kwargs, result)
        return result

    return veiled(around)


_told_backward, _slow_batch = both("backward"), both("batch")


@veiled
def _slow_backward(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if "backward" in running.events:
        return original(*args, **kwargs)
    try:
        return _told_backward(original, args, kwargs)
    except BaseException:
        backward_failed()
        raise


@veiled
def backward_failed() -> None:
    """Tell that a backward has raised: its graph, which may fill the memory, is nobody's any more."""
    if not is_compiling() and not tracing.in_backward():
        tell("backward_fails")


@veiled
def batch(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Tell before and after a batch is drawn from a loader."""
    plain = slot.now
    if plain is None or is_compiling() or "batch" in running.events or tracing.in_backward():
        return _slow_batch(original, args, kwargs)
    try:
        taken = plain.batch_begins(args[0])
    except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
        taken = plain.failed(error)
    if not taken:
        return _slow_batch(original, args, kwargs)
    running.events.add("batch")
    try:
        drawn = original(*args, **kwargs)
    finally:
        running.events.discard("batch")
    batch_ended(args, kwargs, drawn)
    return drawn


@veiled
def batch_ended(args: tuple[Any, ...], kwargs: dict[str, Any], drawn: object) -> None:
    """Tell of the batch that a loader has given."""
    plain = slot.now
    if plain is not None:
        try:
            if plain.batch_ends(args, drawn):
                return
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            plain.failed(error)
    tell("batch_ends", args, kwargs, drawn)


def loss(kind: str) -> Around:
    """Return what tells of a loss function's result, where it has numbers of its own."""

    def around(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if is_compiling() or "loss" in running.events:
            return original(*args, **kwargs)
        running.events.add("loss")
        try:
            result = original(*args, **kwargs)
        finally:
            running.events.discard("loss")
        plain = slot.now
        if plain is not None:
            try:
                if plain.loss(kind, args, kwargs, result):
                    return result
            except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
                plain.failed(error)
        loss_made(kind, args, kwargs, result)
        return result

    return veiled(around)


@veiled
def loss_made(kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> None:
    """Tell of the result of a loss function, by the long way."""
    if has_values(result) and not tracing.now() and not tracing.in_backward():
        tell("loss", kind, args, kwargs, result)


def has_values(result: object) -> bool:
    """Return whether a result is a tensor with numbers of its own, as fastai's subclasses are and fake ones are not."""
    if not isinstance(result, torch.Tensor) or type(result).__torch_dispatch__ is not _NO_DISPATCH:
        return False
    return not apart(getattr, result, "is_meta")
