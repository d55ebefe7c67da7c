"""Replaces torch functions by stand-ins, by name, as methods and as operators."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import torch

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_application import ChangeApplication


def stand_in(application: "ChangeApplication", owner: Any, name: str, function: Callable[..., Any]) -> None:
    """Let `function(original, tensor, ...)` answer calls that the script makes on floating-point tensors in training.

    Calls inside a step or backward belong to torch, and those before the training prepare the data.
    """
    original, session = getattr(owner, name), application.session

    def called(given: Any, *args: Any, **kwargs: Any) -> Any:
        training = session.models or session.train_data is not None
        own = {"step", "unseen", "backward"} & session.running
        measuring = session.recorder is not None and session.recorder.is_measuring
        if own or measuring or not training or not floating(given):
            return original(given, *args, **kwargs)
        return function(original, given, *args, **kwargs)

    setattr(owner, name, called)
    session.undo_with(lambda: setattr(owner, name, original))


def floating(given: Any) -> bool:
    """Return whether something is a tensor of floating-point numbers."""
    return isinstance(given, torch.Tensor) and given.is_floating_point()
