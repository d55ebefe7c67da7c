"""Runs our own operations apart from the user's tensor subclasses and modes, which would see and could change them."""

from collections.abc import Callable
from typing import Any

from trainadvisor.instrument.private_torch import (
    dispatch_modes,
    function_modes,
    no_dispatch_modes,
    no_torch_function,
    without_subclasses,
)


def apart(function: Callable[..., Any], *args: object) -> Any:
    """Return what the function returns; no `__torch_function__` and no active mode is told of its operations."""
    if function_modes() or dispatch_modes():
        with no_torch_function(), no_dispatch_modes():
            return function(*args)
    return without_subclasses(function, (), args)
