"""The events that a plan is told by a hook or a module call, with its mistakes kept out of the training."""

from typing import Any

import torch
from torch import nn

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.shortcut_slot import slot


@veiled
def failed(plan: Any, error: Exception) -> bool:
    """Take no shortcut any more after a mistake of ours."""
    try:
        return bool(plan.failed(error))
    finally:
        del error  # its traceback holds this frame


# Stands for who takes the call of a loss that is a module: nobody, and nobody else is told of it.
PASSED = object()


@veiled
def taker(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return who has taken an outermost module call, the plan or the shortcuts, None where the long way has to."""
    plan = slot.plan
    if plan is not None:
        try:
            taken = plan.forward_begins(module, args, kwargs)
        except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
            taken = failed(plan, error)
        if taken is not False:
            return plan if taken else PASSED
    plain = slot.now
    if plain is None:
        return None
    try:
        return plain if plain.forward_begins(module, args, kwargs) else None
    except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
        plain.failed(error)
        return None


@veiled
def step_begins(optimizer: torch.optim.Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Tell a plan that an optimizer steps."""
    plan = slot.plan
    try:
        if len(args) == 1 and not kwargs:
            return plan.step_begins(optimizer)  # type: ignore[no-any-return]
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        return plan.step_begins(optimizer, closure is not None)  # type: ignore[no-any-return]
    except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
        return failed(plan, error)


@veiled
def step_ends(optimizer: torch.optim.Optimizer) -> bool:
    """Tell a plan that it has stepped."""
    plan = slot.plan
    try:
        return plan.step_ends(optimizer)  # type: ignore[no-any-return]
    except Exception as error:  # noqa: BLE001 - `failed` lets pass what is not ours
        return failed(plan, error)
