"""Probe: what plain models get from the inputs and targets of the first batches, and a network should get as well."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_arguments import BINARY, CLASSIFYING
from trainadvisor.record.losses.loss_calls import named, parameters_of
from trainadvisor.record.losses.plain_fits import plain_fits
from trainadvisor.record.objects import describe
from trainadvisor.record.step import Call

_ROWS, _COLUMNS, _TARGETS = 1024, 1024, 16
# Calls that are looked at, at most, as batches of one fill no table, and those in which some row has to be found.
_CALLS, _PATIENCE = 32, 16
_NUMBERS = frozenset({"mse_loss"})
_KINDS = CLASSIFYING | BINARY | _NUMBERS


@dataclass
class _Rows:
    """Inputs and targets of one kind of loss, left on the device."""

    inputs: list[torch.Tensor] = field(default_factory=list)
    targets: list[torch.Tensor] = field(default_factory=list)
    count: int = 0

    def add(self, given: torch.Tensor, target: torch.Tensor) -> None:
        """Take the rows of a batch for which there is room, where they are as wide as those before."""
        room = _ROWS - self.count
        x, y = (tensor.detach()[:room].flatten(1) for tensor in (given, target))
        if self.inputs and (x.shape[1:], y.shape[1:]) != (self.inputs[0].shape[1:], self.targets[0].shape[1:]):
            return
        self.inputs.append(x.clone())
        self.targets.append(y.clone())
        self.count += len(x)


@probe(order=133)
class PlainModelsProbe:
    """Writes the events "plain-models" at the end, one for each kind of loss."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._given: torch.Tensor | None = None
        self._rows: dict[str, _Rows] = {}
        self._calls = 0

    def rests_until(self, routine: Routine) -> float:
        """Rest once there are rows enough, or where no loss compares rows with targets."""
        over = self._over() or not routine.kinds & _KINDS
        return math.inf if over and self._given is None else routine.step

    @unless_resting
    def on_forward_begins(self, call: Call) -> None:
        """Keep what a model is called with until its loss."""
        if self._over() or not call.grad:
            return
        self._calls += 1
        tensors = map(describe.local, describe.tensors_in([call.args, call.kwargs]))
        self._given = next((tensor for tensor in tensors if _is_table(tensor)), None)

    @unless_resting
    def on_loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: torch.Tensor) -> None:
        """Keep the rows, once for each time that a model was called."""
        given, self._given = self._given, None
        if given is None or kind not in _KINDS or not result.requires_grad:
            return
        target = named(kind, args, kwargs).get(parameters_of(kind)[1])
        if not isinstance(target, torch.Tensor) or target.requires_grad or not _fits(kind, given, target):
            return
        rows = self._rows.setdefault(kind, _Rows())
        if rows.count < _ROWS:
            rows.add(given, target[:, None] if target.ndim == 1 else target)

    @unless_resting
    def on_close(self, _: object) -> None:
        """Let go of what no loss has asked for."""
        self._given = None

    def on_stop(self, _: str) -> None:
        """Fit the plain models, and tell what they get."""
        for kind, rows in self._rows.items():
            with torch.no_grad():
                x, y = (torch.cat(tensors).cpu() for tensors in (rows.inputs, rows.targets))
                classes = kind not in _NUMBERS
                if kind in BINARY and (y.shape[1] > 1 or not bool(((y == 0) | (y == 1)).all())):
                    continue
                found = plain_fits(x, y[:, 0] if classes else y, classes=classes)
            if found is not None:
                self._context.event("plain-models", kind, found.fact())

    def _over(self) -> bool:
        full = any(rows.count >= _ROWS for rows in self._rows.values())
        return full or self._calls >= (_CALLS if self._rows else _PATIENCE)


def _is_table(tensor: torch.Tensor) -> bool:
    wide = tensor.ndim > 1 and 0 < tensor[:1].numel() <= _COLUMNS
    return wide and tensor.is_floating_point() and not tensor.is_sparse and not tensor.is_meta


def _fits(kind: str, given: torch.Tensor, target: torch.Tensor) -> bool:
    """Return whether there is a target a row: a class, yes or no, or a few numbers."""
    if not target.ndim or target.shape[0] != given.shape[0] or not target.numel():
        return False
    if kind in CLASSIFYING:
        return target.ndim == 1 and not target.is_floating_point()
    return target[:1].numel() <= _TARGETS
