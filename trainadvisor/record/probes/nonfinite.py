"""Probe: where NaN or infinity first appeared: inputs, parameters, an operation of the forward, or a gradient."""

import math
from typing import TYPE_CHECKING, Any

import torch

from trainadvisor.record import facts
from trainadvisor.record.iteration import Call, Iteration
from trainadvisor.record.probes.graph import find_nonfinite

if TYPE_CHECKING:
    from trainadvisor.record.recorder import Recorder


class NonfiniteProbe:
    """Looks closely once the loss is not finite, and tells the first of each kind."""

    def __init__(self, recorder: "Recorder") -> None:
        """Take the recorder."""
        self._recorder = recorder
        self._told: set[str] = set()
        self._inputs: list[torch.Tensor] = []
        self._done = False

    def on_forward_begins(self, call: Call) -> None:
        """Hold the inputs until the backward; with a loss that is still finite nothing is looked at."""
        if call.grad and not self._done:
            self._inputs = [t for t in facts.tensors_in([call.args, call.kwargs]) if t.is_floating_point()][:4]

    def on_backward_begins(self, *_: Any) -> None:  # noqa: ANN401
        """Locate the origin when the loss has just turned non-finite; the graph is still there."""
        value = self._recorder.losses.last_value
        if self._done or value is None or math.isfinite(value):
            self._inputs = []
            return
        self._done = True
        self._tell_inputs()
        self._tell_parameters()
        if not self._told:
            operation = find_nonfinite(self._recorder.losses.last_root) if self._recorder.losses.last_root is not None else None
            self._tell("activation", {"op": operation}) if operation else None
        self._tell("loss", {"value": value})
        self._inputs = []

    def _tell_inputs(self) -> None:
        for index, tensor in enumerate(self._inputs):
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                self._tell("input", {"name": f"input {index}", "count": bad, "of": tensor.numel()})
                return

    def _tell_parameters(self) -> None:
        for model in self._recorder.iteration.models:
            for fact, tensor in zip(model.fact.get("parameters", []), model.parameters, strict=False):
                if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                    self._tell("parameter", {"name": fact["name"]})
                    return

    def _tell(self, subject: str, detail: dict[str, Any]) -> None:
        if subject not in self._told:
            self._told.add(subject)
            self._recorder.event("nonfinite", subject, detail | {"step": self._recorder.step})

    def on_close(self, iteration: Iteration) -> None:
        """Tell of a gradient that is not finite although the loss is, at steps where gradients were measured."""
        norm = iteration.fields.get("grad_norm", iteration.fields.get("clip_norm"))
        if norm is not None and not math.isfinite(norm) and not self._done and not iteration.skipped:
            names = self._bad_gradients(iteration)
            self._tell("gradient", {"name": names[0] if names else None, "parameters": len(names)})

    def _bad_gradients(self, iteration: Iteration) -> list[str]:
        return [
            fact["name"]
            for model in iteration.models
            for fact, tensor in zip(model.fact.get("parameters", []), model.parameters, strict=False)
            if tensor.grad is not None and not tensor.grad.is_sparse and not bool(torch.isfinite(tensor.grad).all())
        ]
