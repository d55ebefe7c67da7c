"""Clipping that a framework does itself, told like `torch.nn.utils.clip_grad_norm_`."""

from collections.abc import Callable
from typing import Any

import torch
from torch.compiler import is_compiling

from trainadvisor.instrument import taps
from trainadvisor.instrument.hidden_frame import veiled

# The norms that the clipping which runs has computed.
_norms: list[list[Any]] = []


@veiled
def keras_norm(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run `global_norm` of Keras and keep what it found for the clipping that asks."""
    norm = original(*args, **kwargs)
    if _norms and not is_compiling():
        _norms[-1].append(norm)
    return norm


@veiled
def keras_clip(original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run `clip_by_global_norm` of Keras and tell its limit and the norm before it."""
    if is_compiling():
        return original(*args, **kwargs)
    _norms.append([])
    try:
        result = original(*args, **kwargs)
    finally:
        found = _norms.pop()
    limit = kwargs.get("clip_norm", args[1] if len(args) > 1 else None)
    if found and isinstance(found[0], torch.Tensor) and isinstance(limit, int | float):
        taps.tell("clip_grad_norm_", ((), float(limit)), {}, found[0].detach())
    return result
