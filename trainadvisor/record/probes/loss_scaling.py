"""Probe: a mean that is divided by the batch once more, and overlaps or logarithms that were made of raw outputs."""

import math
from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.clamped_outputs import clamped_outputs
from trainadvisor.record.losses.divided_means import divided_again, divided_by, divided_by_one
from trainadvisor.record.losses.raw_overlaps import raw_overlap
from trainadvisor.record.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOKED_AT = frozenset({0, 1, 2})
_TIMES = 2


@probe(order=60)
class LossScalingProbe:
    """Tells raw outputs at once, and a division in two steps, unless by the number of accumulated micro-batches."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: tuple[int, call_sites.Place | None] | None = None
        self._seen = 0
        self._whole: int | None = None
        self._twice = 0
        # Backward passes of this step whose loss was divided by 1, and steps in which all were.
        self._by_one = 0
        self._undivided = 0
        self._raw: set[str] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest after the first steps."""
        over = routine.step > max(_LOOKED_AT) and self._found is None
        return math.inf if over else routine.step

    @unless_resting
    def on_backward_begins(self, *_: Any) -> None:
        """Look at the graph of the loss in the first steps."""
        root = self._context.losses.last_root
        if root is None or self._context.step_number not in _LOOKED_AT or self._found is not None:
            return
        with torch.no_grad():
            divisor, self._whole = divided_again(root), divided_by(root)
            self._by_one += divided_by_one(root)
            self._tell_raw("raw-overlap", raw_overlap, root)
            self._tell_raw("clamped-outputs", clamped_outputs, root)
        if divisor is not None:
            self._found = divisor, call_sites.user_place(2)

    def _tell_raw(self, kind: str, found: "Callable[[Any], bool]", root: Any) -> None:
        if kind not in self._raw and found(root):
            self._raw.add(kind)
            self._context.event(kind, "", {"site": call_sites.describe(call_sites.user_place(3))})

    @unless_resting
    def on_close(self, step: Step) -> None:
        """Compare with the number of backward passes of the step, which is known now."""
        found, self._found = self._found, None
        self._tell_twice(step)
        self._tell_undivided(step)
        if found is None or step.micro == found[0]:
            return
        self._seen += 1
        if self._seen == _TIMES:
            site = call_sites.describe(found[1])
            self._context.event("mean-divided", "", {"by": found[0], "site": site})

    def _tell_twice(self, step: Step) -> None:
        """Tell a mean that is divided by the square of the number of micro-batches: by the script and a framework."""
        whole, self._whole = self._whole, None
        self._twice += step.micro > 1 and whole == step.micro**2
        if whole and self._twice == _TIMES:
            self._twice += 1
            self._context.event("divided-twice", "", {"by": whole})

    def _tell_undivided(self, step: Step) -> None:
        """Tell losses of micro-batches that are divided by 1, which divides nothing."""
        by_one, self._by_one = self._by_one, 0
        self._undivided += step.micro > 1 and by_one == step.micro
        if by_one and self._undivided == _TIMES:
            self._undivided += 1
            self._context.event("divided-by-one", "", {})
