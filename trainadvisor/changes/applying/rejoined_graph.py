"""Rejoins graphs that the model's own code cuts: detach() and no_grad() in the user's forward are ignored."""

import sys
from typing import TYPE_CHECKING, Any

from trainadvisor.changes.applying.late_torch import torch
from trainadvisor.instrument.call_sites import USERS, rank
from trainadvisor.instrument.patching import graft

if TYPE_CHECKING:
    from trainadvisor.changes.applying.change_application import Call, ChangeApplication


def rejoin(application: "ChangeApplication") -> None:
    """Ignore calls in the user's forward that would cut off the gradient during training."""
    session, original = application.session, torch.Tensor.detach

    def detach(given: Any) -> Any:
        if "forward" in session.running and given.requires_grad and _by_user(sys._getframe(1)):
            application.done("detach() inside the model is passed over")
            return given
        return original(given)

    def enter(call: "Call", args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if "forward" in session.running and torch.is_grad_enabled() and _by_user(sys._getframe(2)):
            args[0].prev = True
            application.done("no_grad() inside the model is passed over")
            return None
        return call(*args, **kwargs)

    torch.Tensor.detach = detach  # type: ignore[assignment]
    session.undo_with(lambda: setattr(torch.Tensor, "detach", original))
    session.undo_with(graft(torch.no_grad.__enter__, enter))


def _by_user(frame: Any) -> bool:
    """Return whether a call comes from the user's own code; torch and the recorder detach for good reasons."""
    while frame is not None and frame.f_code.co_filename.startswith("<frozen"):
        frame = frame.f_back
    return frame is not None and rank(frame.f_code.co_filename) == USERS
