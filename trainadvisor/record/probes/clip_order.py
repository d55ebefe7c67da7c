"""Probe: clippings that come when the step has used the gradients."""

import math
from typing import Any

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.step import Step

# Limits above this only measure the norm.
NO_LIMIT = 1e6


@probe(order=65)
class ClipOrderProbe:
    """Counts clippings before a step and those that no step follows; writes the event "late-clip" once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # Whether an optimizer has stepped since the last backward.
        self._stepped = False
        # Late clippings of this step, unless another optimizer still steps.
        self._waiting = 0
        self._site: dict[str, Any] | None = None
        self._limit: float | None = None
        self._told = False

    def rests_until(self, routine: Routine) -> float:
        """Rest while no clipping waits for a step."""
        return routine.step if self._waiting else math.inf

    def on_backward_begins(self, *_: object) -> None:
        """Take what is clipped from now on as gradients that are not used yet."""
        self._late()
        self._stepped = False

    @unless_resting
    def on_step_begins(self, *_: object) -> None:
        """Count the clippings before this step."""
        self._context.counts["clips_before_step"] += self._waiting
        self._waiting = 0

    def on_step_ends(self, _: torch.optim.Optimizer) -> None:
        """Note that the gradients are used up."""
        self._stepped = True

    def on_clip_grad_norm_(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Take a clipping by norm."""
        self._clipped(args[1] if len(args) > 1 else kwargs.get("max_norm"))

    def on_clip_grad_value_(self, args: tuple[Any, ...], kwargs: dict[str, Any], _: object) -> None:
        """Take a clipping by value."""
        self._clipped(args[1] if len(args) > 1 else kwargs.get("clip_value"))

    @unless_resting
    def on_close(self, _: Step) -> None:
        """Count the clippings that no step has followed."""
        self._late()

    def _clipped(self, limit: object) -> None:
        if isinstance(limit, int | float) and not (math.isfinite(limit) and limit < NO_LIMIT):
            return
        if not self._stepped or self._context.boundaries.in_step:
            self._context.counts["clips_before_step"] += 1
            return
        self._waiting += 1
        if self._site is None:
            self._site = call_sites.describe(call_sites.user_place())
            self._limit = float(limit) if isinstance(limit, int | float) else None

    def _late(self) -> None:
        if not self._waiting:
            return
        self._context.counts["clips_after_step"] += self._waiting
        self._waiting = 0
        if not self._told:
            self._told = True
            self._context.event("late-clip", "", {"site": self._site, "limit": self._limit})
