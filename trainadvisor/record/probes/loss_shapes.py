"""Probe: vectors that met as a row and a column on the way into a loss, so that it goes over all pairs of a batch."""

import math
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.crossed_shapes import Crossing, crossings, of_vectors

# Steps whose graph is looked at: a crossing is there from the first one on.
_LOOKED_AT = frozenset({0, 1, 2, 5})


@probe(order=60)
class LossShapesProbe:
    """Tells each crossing once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: set[str] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest after the first steps."""
        return math.inf if routine.step > max(_LOOKED_AT) else routine.step

    @unless_resting
    def on_backward_begins(self, *_: Any) -> None:
        """Look at the graph of the loss in the first steps, before the backward frees it."""
        root = self._context.losses.last_root
        if root is None or self._context.step_number not in _LOOKED_AT:
            return
        with torch.no_grad():
            for crossing in crossings(root):
                self._look(crossing)

    def _look(self, crossing: Crossing) -> None:
        detail = {"op": crossing.op, "shapes": crossing.shapes}
        if crossing.matrix is None:
            self._tell(detail)
            return

        def arrived(values: list[float]) -> None:
            if values[0] == 1:
                self._tell(detail)

        self._context.step.expect(self._context.values.read(of_vectors(crossing.matrix)), arrived)

    def _tell(self, detail: dict[str, Any]) -> None:
        key = str(detail)
        if key not in self._told:
            self._told.add(key)
            self._context.event("crossed-shapes", detail["op"], detail)
