"""Functions of ours in the place of torch's, by name, as methods and as operators."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import torch

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_application import Attempt


def stand_in(attempt: "Attempt", owner: Any, name: str, function: Callable[..., Any]) -> None:
    """Let `function(original, tensor, ...)` answer calls that the script makes on floating-point tensors in training.

    Calls from within a step or a backward are torch's own business, and those before the training prepare the data.
    """
    original, stage = getattr(owner, name), attempt.stage

    def called(given: Any, *args: Any, **kwargs: Any) -> Any:
        training = stage.models or stage.train_data is not None
        own = {"step", "unseen", "backward"} & stage.running
        measuring = stage.recorder is not None and stage.recorder._busy
        if own or measuring or not training or not floating(given):
            return original(given, *args, **kwargs)
        return function(original, given, *args, **kwargs)

    setattr(owner, name, called)
    stage.undo_with(lambda: setattr(owner, name, original))


def floating(given: Any) -> bool:
    """Say whether something is a tensor of floating-point numbers."""
    return isinstance(given, torch.Tensor) and given.is_floating_point()
