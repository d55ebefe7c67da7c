"""Detects when tensors must not be read: tracing, fake tensors, torch.func, inside of a backward."""

import torch

from trainadvisor.instrument import private_torch
from trainadvisor.instrument.private_torch import dispatch_modes, graph_task, tracing_state, transform


def now() -> bool:
    """Return whether tensors are traced, fake or transformed: their values are no training's values."""
    return dispatch_modes() > 0 or tracing_state() is not None or transform() is not None


def transformed() -> bool:
    """Return whether torch.func is transforming the calls."""
    return transform() is not None


def in_backward() -> bool:
    """Return whether a backward is running: what is called then is a checkpoint's recomputation or a hook."""
    return graph_task() != -1


def unwrapped(tensor: torch.Tensor) -> torch.Tensor:
    """Return the plain tensor inside the wrappers of torch.func."""
    while private_torch.is_wrapped(tensor):
        tensor = private_torch.unwrapped(tensor)
    return tensor
