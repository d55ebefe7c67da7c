"""Probe: whether the targets of the training are among the inputs, over the first batches."""

import math
import re
import weakref
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument import module_tables
from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.device_readback import may_ask
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses import sequence_graph
from trainadvisor.record.losses.copied_targets import CopiedTargets, as_rows
from trainadvisor.record.losses.loss_arguments import CLASSIFYING, ELEMENTWISE
from trainadvisor.record.losses.loss_calls import named, parameters_of
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

_FIRST, _MOST = 8, 16
# Calls that are looked at until something can be compared, at most.
_PATIENCE = 100
_TOLD = {1, 4, _FIRST, _MOST}
# Names of models that give back what they get, on purpose.
_RECONSTRUCTING = re.compile(
    r"auto_?enc|recon|latent|bottle|denois|vae|(^|_)(en|de)c(oder)?($|_|\d)|[a-z]AE\b", re.IGNORECASE
)


@probe(order=131)
class TargetsInInputsProbe:
    """Compares the targets of a loss with the columns of what the model was called with."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._given: list[torch.Tensor] = []
        self._root: weakref.ref[nn.Module] | None = None
        self._found: dict[str, CopiedTargets] = {}
        self._more: dict[str, dict[str, Any]] = {}
        self._calls = self._looks = 0
        self._told: dict[str, int] = {}

    def rests_until(self, routine: Routine) -> float:
        """Rest once the first batches are compared, or where no loss compares targets."""
        over = self._calls >= _FIRST or self._looks >= _PATIENCE or not routine.kinds & (CLASSIFYING | ELEMENTWISE)
        return math.inf if over and not self._given else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Keep what a model is called with until its loss."""
        if self._calls >= _MOST or self._looks >= _PATIENCE or not call.grad:
            return
        step = self._context.step
        if (self._calls >= _FIRST and not step.sample_layers) or not may_ask(self._context.values, step.number):
            return
        self._looks += 1
        tensors = map(describe.local, describe.tensors_in([call.args, call.kwargs]))
        self._given = [t.detach() for t in tensors if t.is_floating_point() and not t.is_sparse and t.ndim in (2, 3)][
            :4
        ]
        self._root = weakref.ref(call.module)

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Compare, once for each time that a model was called."""
        given, self._given = self._given, []
        root = self._root() if self._root is not None else None
        if not given or root is None or not result.requires_grad or kind not in CLASSIFYING | ELEMENTWISE:
            return
        arguments = named(kind, args, kwargs)
        prediction, target = (arguments.get(name) for name in parameters_of(kind)[:2])
        if not isinstance(prediction, torch.Tensor) or not isinstance(target, torch.Tensor) or target.requires_grad:
            return
        self._calls += 1
        for number, tensor in enumerate(given):
            fitting = as_rows(tensor, target.detach())
            if fitting is not None:
                self._add(f"{kind}/{number}", fitting, prediction, tensor, root)

    @unless_resting
    def on_close(self, _: object) -> None:
        """Let go of what no loss has asked for."""
        self._given = []

    def _add(
        self,
        key: str,
        fitting: tuple[torch.Tensor, torch.Tensor, bool],
        prediction: torch.Tensor,
        given: torch.Tensor,
        root: nn.Module,
    ) -> None:
        x, y, places = fitting
        found = self._found.setdefault(key, CopiedTargets(sequence=places))
        if not found.fits(x, y):
            return
        found.add(x.cpu(), y.cpu())
        if found.batches == 1:
            kind = {"classifies": key.partition("/")[0] in CLASSIFYING and y.shape[1] == 1}
            self._more[key] = kind | (self._anatomy(prediction, given, root) if places else {})
        if found.batches in _TOLD:
            self._tell(key)

    def _anatomy(self, prediction: torch.Tensor, given: torch.Tensor, root: nn.Module) -> dict[str, Any]:
        node, (rows, columns) = prediction.grad_fn, given.shape[:2]
        if node is None:
            return {}
        return {
            "sight": sorted(sequence_graph.sight(node, rows, columns)),
            "straight": sequence_graph.goes_straight(node, rows, columns),
            "reconstructs": any(map(_RECONSTRUCTING.search, _own_names(root))),
        }

    def _tell(self, key: str) -> None:
        found = self._found[key]
        if self._told.get(key) != found.batches:
            self._told[key] = found.batches
            self._context.event("targets-in-inputs", key, found.fact() | self._more[key])

    def on_stop(self, _: str) -> None:
        """Tell what was found since the last time."""
        for key in self._found:
            self._tell(key)


def _own_names(root: nn.Module) -> set[str]:
    """Return the names that the user gave to a model and its parts."""
    inside = list(module_tables.named_modules(root))
    parts = {name.rpartition(".")[2] for name, _ in inside}
    return parts | {type(module).__name__ for _, module in inside if not type(module).__module__.startswith("torch.")}
