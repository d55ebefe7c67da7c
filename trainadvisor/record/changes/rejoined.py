"""Models whose own code cuts the graph: detach() and no_grad() in the user's forward are passed over."""

import sys
from typing import TYPE_CHECKING, Any

from trainadvisor.instrument.call_sites import USERS, rank
from trainadvisor.instrument.patching import graft
from trainadvisor.record.changes.late_torch import torch

if TYPE_CHECKING:
    from trainadvisor.record.changes.attempt import Attempt, Call


def rejoin(attempt: "Attempt") -> None:
    """Pass over what the user's code inside a model's training call would cut off from the gradient."""
    stage, original = attempt.stage, torch.Tensor.detach

    def detach(given: Any) -> Any:
        if "forward" in stage.running and given.requires_grad and _by_user(sys._getframe(1)):
            attempt.done("detach() inside the model is passed over")
            return given
        return original(given)

    def enter(call: "Call", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "forward" in stage.running and torch.is_grad_enabled() and _by_user(sys._getframe(2)):
            args[0].prev = True
            attempt.done("no_grad() inside the model is passed over")
            return None
        return call(*args, **kwargs)

    torch.Tensor.detach = detach  # type: ignore[assignment]
    stage.undo_with(lambda: setattr(torch.Tensor, "detach", original))
    stage.undo_with(graft(torch.no_grad.__enter__, enter))


def _by_user(frame: Any) -> bool:
    """Say whether a call comes from the user's own file; torch and the recorder detach for good reasons."""
    while frame is not None and frame.f_code.co_filename.startswith("<frozen"):
        frame = frame.f_back
    return frame is not None and rank(frame.f_code.co_filename) == USERS
