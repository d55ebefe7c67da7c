"""Where the taps find the shortcuts of a plain step; there are none unless exactly one recorder listens."""

from collections.abc import Callable, Sized
from typing import Any, Protocol

import torch
from torch import nn


class Shortcuts(Protocol):
    """Takes an event of a plain step at once; where it returns False, nothing is done, and the event goes on."""

    def batch_begins(self, iterator: object) -> bool:
        """Take that a loader is asked for a batch."""

    def batch_ends(self, args: tuple[Any, ...], batch: object) -> bool:
        """Take the batch that it gave."""

    def forward_begins(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Take that the outermost module is about to be called."""

    def forward_ends(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        """Take what it gave, after a beginning that was taken; there is no other way for that."""

    def loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> bool:
        """Take the result of a loss function, called by the function that calls."""

    def told_loss(self, kind: str, settings: dict[str, Any], result: object, told: object) -> bool:
        """Take the result of a loss that a framework's object computes, with its place among the settings."""

    def backward_begins(self, args: tuple[Any, ...]) -> bool:
        """Take that the backward of a loss begins."""

    def backward_ends(self) -> bool:
        """Take that it has ended."""

    def step_begins(self, optimizer: torch.optim.Optimizer, closure: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Take that an optimizer steps, with a closure or without."""

    def step_ends(self, optimizer: torch.optim.Optimizer) -> bool:
        """Take that it has stepped."""

    def zero_grad(self, cleared: object) -> bool:
        """Take that the gradients of an optimizer or module were cleared."""

    def failed(self, error: Exception) -> bool:
        """Take no shortcut any more after a mistake of ours; return False: the event goes the long way."""


class _Slot:
    """Holds the shortcuts, where they may be used now; plain attributes because every event reads them."""

    now: Shortcuts | None = None
    # Takes whole steps; asked before the others.
    plan: Any = None
    # What the script has printed since the last look, and who looks before the number of steps changes.
    printed: Sized = ()
    look: Callable[[], None] = staticmethod(lambda: None)

    def clear(self) -> None:
        """Let the next events go the long way."""
        plan, self.now, self.plan = self.plan, None, None
        if plan is not None:
            plan.leave()


slot = _Slot()
