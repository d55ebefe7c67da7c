"""Probe: where NaN or infinity first appeared: inputs, parameters, an operation of the forward, or a gradient."""

import math
from typing import Any

import torch

from trainadvisor.instrument.gradients import gradient_of
from trainadvisor.record.context import Context, probe
from trainadvisor.record.losses.loss_graph import find_nonfinite
from trainadvisor.record.losses.masked_rows import masked_rows
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call, Step

_INPUTS = 4


@probe(order=90)
class NonfiniteProbe:
    """Looks closely once a loss that is not finite has been read, and tells the first of each kind.

    On the host that is at the backward of this very loss, on a GPU some steps later. Only this one look waits for it.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: set[str] = set()
        self._inputs: tuple[Any, ...] = ()
        self._done = False

    def on_forward_begins(self, call: Call) -> None:
        """Hold the inputs until the backward; with a loss that is still finite nothing is looked at."""
        if call.grad and not self._done:
            self._inputs = call.args, call.kwargs

    def on_backward_begins(self, *_: Any) -> None:
        """Locate the origin when a loss has turned non-finite; the graph is still there."""
        inputs, self._inputs = self._inputs, ()
        losses = self._context.losses
        if self._done or losses.nonfinite is None:
            return
        self._done = True
        self._tell_inputs(inputs)
        self._tell_parameters()
        if not self._told and losses.last_root is not None:
            operation = find_nonfinite(losses.last_root)
            self._tell("activation", _told_of(operation, losses.last_root)) if operation else None
        self._tell("loss", {"value": losses.nonfinite})

    def _tell_inputs(self, inputs: tuple[Any, ...]) -> None:
        floating = [tensor for tensor in describe.tensors_in(inputs, depth=4) if tensor.is_floating_point()]
        for index, tensor in enumerate(floating[:_INPUTS]):
            if tensor.grad_fn is not None:
                continue  # computed by another net that is trained
            bad = int((~torch.isfinite(describe.local(tensor))).sum())
            if bad:
                self._tell("input", {"name": f"input {index}", "count": bad, "of": tensor.numel()})
                return

    def _tell_parameters(self) -> None:
        for model in self._context.step.models:
            for fact, tensor in zip(model.fact.get("parameters", []), model.parameters, strict=False):
                if tensor.is_floating_point() and not bool(torch.isfinite(describe.local(tensor)).all()):
                    self._tell("parameter", {"name": fact["name"]})
                    return

    def _tell(self, subject: str, detail: dict[str, Any]) -> None:
        if subject not in self._told:
            self._told.add(subject)
            self._context.event("nonfinite", subject, detail | {"step": self._context.step_number})

    def on_close(self, step: Step) -> None:
        """Look at the norm of the step's gradients, where one was measured, once it is here."""
        if step.pending or "grad_norm" in step.fields or "clip_norm" in step.fields:
            step.finally_(lambda: self._look_at_norm(step))

    def _look_at_norm(self, step: Step) -> None:
        """Tell of a gradient that is not finite although the loss is."""
        norm = step.fields.get("grad_norm", step.fields.get("clip_norm"))
        if norm is None or math.isfinite(norm) or self._done or step.skipped:
            return
        names = _bad_gradients(step)
        self._tell("gradient", {"name": names[0] if names else None, "parameters": len(names)})


def _told_of(operation: str, root: Any) -> dict[str, Any]:
    """Return what is told of an operation; of a softmax, the rows that a mask left nothing of."""
    rows = masked_rows(root) if "Softmax" in operation else 0
    return {"op": operation, "masked_rows": rows} if rows else {"op": operation}


def _bad_gradients(step: Step) -> list[str]:
    """Name the parameters by the norms that were measured, else by a look at the gradients as they are now."""
    measured = step.samples.get("grads", {})
    names = []
    for model in step.models:
        known = model.fact.get("parameters", [])
        if model.number in measured:
            norms = measured[model.number].get("grad", [])
            names += [f["name"] for f, n in zip(known, norms, strict=False) if n is not None and not math.isfinite(n)]
        else:
            names += [f["name"] for f, p in zip(known, model.parameters, strict=False) if _is_bad(gradient_of(p))]
    return names


def _is_bad(found: torch.Tensor | None) -> bool:
    return found is not None and not found.is_sparse and not bool(torch.isfinite(describe.local(found)).all())
