"""Probe: a loss of which one term is averaged over the batch and another added up over it."""

import math
from typing import Any

import torch

from trainadvisor.instrument import call_sites
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_graph import bare
from trainadvisor.record.losses.loss_terms import take_apart
from trainadvisor.record.losses.mixed_reductions import mixed

_LOOKED_AT = frozenset({0, 1})


@probe(order=60)
class MixedReductionsProbe:
    """Compares the terms of the first losses."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: set[Any] = set()

    def rests_until(self, routine: Routine) -> float:
        """Rest after the first steps."""
        return math.inf if routine.step > max(_LOOKED_AT) else routine.step

    @unless_resting
    def on_backward_begins(self, *_: Any) -> None:
        """Take the loss apart while its graph is there."""
        root, loss = self._context.losses.last_root, self._context.step.fields.get("loss_id")
        if root is None or loss in self._told or self._context.step_number not in _LOOKED_AT:
            return
        with torch.no_grad():
            terms = take_apart(root).terms
            found = mixed(terms)
        if found is None:
            return
        self._told.add(loss)
        averaged, summed = (bare(terms[number].node) for number in (found.averaged, found.summed))
        detail = {"averaged": averaged, "summed": summed, "per_batch": found.examples, "times": found.times,
                  "values": found.values}  # fmt: skip
        self._context.event("mixed-reductions", "", {**detail, "site": call_sites.describe(call_sites.user_place(2))})
