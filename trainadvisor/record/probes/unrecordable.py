"""Probe: what cannot be recorded of this training, told once each, so that silence is not taken for health."""

from collections import Counter
from typing import Any

import torch

from trainadvisor.record.context import Context, probe
from trainadvisor.record.handlers import only_sampled
from trainadvisor.record.step import Call, Step

# Steps without a sign of the forward or of the backward after which it is told.
_PATIENCE = 3


@probe(order=160)
class UnrecordableProbe:
    """Writes an event "blind" for each part of the training that is out of sight."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: set[str] = set()
        self._missing: Counter[str] = Counter()
        self._meta = ""
        self._closure = False

    @only_sampled
    def on_forward_ends(self, call: Call) -> None:
        """Tell of a compiled model, inside which no module is called."""
        if call.model.compiled and call.grad:
            self._tell("compiled", call.model.name)

    def on_meta_forward(self, name: str) -> None:
        """Note the call of a model without values."""
        self._meta = name

    @only_sampled
    def on_step_begins(self, _: torch.optim.Optimizer, closure: object) -> None:
        """Notice an optimizer that steps although no backward has been seen."""
        step = self._context.step
        self._closure = bool(closure)
        if not (step.micro or closure or step.fields.get("no_grad")):
            self._miss("backward")

    @only_sampled
    def on_close(self, step: Step) -> None:
        """Notice a step that is several, and one whose backward was seen while no model, or no real one, was called."""
        meta, self._meta = self._meta, ""
        if self._closure and step.micro > 1:
            self._tell("evaluations", "")
        if step.stepped and step.micro and not any(model.alive for model in step.models):
            self._tell("meta", meta) if meta else self._miss("forward")

    def _miss(self, what: str) -> None:
        self._missing[what] += 1
        if self._missing[what] == _PATIENCE:
            self._tell(what, "")

    def _tell(self, what: str, name: str) -> None:
        if what not in self._told:
            self._told.add(what)
            detail: dict[str, Any] = {"name": name} if name else {}
            self._context.event("blind", what, detail)
