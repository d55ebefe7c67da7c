"""Shortcuts of a loss that is trained on as it is, and of its backward."""

import math
import sys
from typing import Any

import torch

from trainadvisor.instrument.call_sites import user_place
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes, tracing_state, transform, version
from trainadvisor.record.losses.loss_calls import LossCall
from trainadvisor.record.losses.loss_graph import steps_to_read
from trainadvisor.record.losses.shared_divisor import shares_divisor
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now
from trainadvisor.record.step import Step

_Tensor = torch.Tensor
_grad_enabled = torch.is_grad_enabled

LOSS = frozenset({"TrainingLossProbe", "SequenceAxesProbe"})
BACKWARD_BEGINS = frozenset({
    "FrameworkProbe", "CallOrderProbe", "TrainingLossProbe", "PolicyStatisticsProbe", "ClipOrderProbe",
    "NonfiniteProbe", "EvaluationProbe", "SharedRowsProbe",
})  # fmt: skip
# Backwards without a step from which on it is looked whether there ever is one.
_FEW = 100
BACKWARD_ENDS = frozenset({"TimingProbe", "TrainingLossProbe", "StepBoundaries"})


class Losses(Parts):
    """Takes the losses and backwards of plain steps."""

    @veiled
    def loss(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> bool:
        """Hold a loss of which only the value is wanted, until its backward."""
        recorder = self._recorder
        if recorder._busy or ident() != self._thread or looked_at() is not None:
            return False
        if function_modes() or dispatch_modes() or tracing_state() is not None or transform() is not None:
            return False
        models, losses = recorder.step.models, self._losses
        if (
            type(result) is not _Tensor
            or not (result.requires_grad and _grad_enabled())
            or len(args) != 2
            or not models
        ):
            return False
        root = models[0].alive[0]() if models[0].alive else None
        if losses._pending or self._sequence._waiting or root is None or not root.training or result.is_meta:
            return False
        self._cost.entered = begun = now()
        entry = losses._entries.get((kind, kwargs.get("reduction", "mean"), user_place(4)))
        if (
            entry is None
            or not entry.straight
            or kind not in self._routine.kinds
            or losses._is_looked_at(entry, "train")
        ):
            return False
        losses._serial += 1
        losses._pending = [LossCall(entry, result, None, True, None, result, losses._serial, None, True)]  # noqa: FBT003
        self._cost.spent += now() - begun
        return True

    @veiled
    def backward_begins(self, args: tuple[Any, ...]) -> bool:  # noqa: PLR0911 - written out for speed
        """Read the value of a loss that is differentiated itself."""
        recorder, losses, order, evaluation = self._recorder, self._losses, self._order, self._evaluation
        if recorder._busy or ident() != self._thread or looked_at() is not None or function_modes() or dispatch_modes():
            return False
        step, pending, tensor = recorder.step, losses._pending, args[0] if args else None
        if type(tensor) is tuple and tensor:
            tensor = tensor[0]
        if (
            len(pending) != 1
            or not pending[0].held
            or pending[0].value is not tensor
            or not step.models
            or step.stepped
        ):
            return False
        if step.skipped or (step.micro and self._boundaries.may_close()):
            return False
        if order._cleared_after_backward or True in order._left.values() or self._clipping._waiting:
            return False
        if evaluation._tentative or evaluation._open or evaluation._unclear.is_open or evaluation._returned.offered:
            return False
        nonfinite = recorder.losses.nonfinite is not None and not self._nonfinite._done
        if nonfinite or self._rows._open is not None or len(sys.modules) != self._framework._modules:
            return False
        self._cost.entered = begun = now()
        if not self._take(step, pending[0]):
            return False
        self._count()
        self._cost.spent += now() - begun
        return True

    def _take(self, step: Step, call: LossCall) -> bool:
        """Read the value; one that is far from usual, or in a step that looks at the graph, goes the long way."""
        recorder, losses, entry = self._recorder, self._losses, call.entry
        if entry.graph is None or step.number in steps_to_read(entry.graph) or recorder.scale.reading is not None:
            return False
        if entry.number not in self._policy._first:
            return False
        value, jumps = call.value.item(), losses._jumps
        size = value if value >= 0 else -value
        if not size <= jumps._times * jumps._usual or step.number <= jumps._steady_after or not math.isfinite(value):
            return False
        jumps._usual += 0.1 * (size - jumps._usual)
        losses._pending = []
        step.micro += 1
        recorder.losses.last, self._counts.divided = call.value, False
        values, fields = step.losses, step.fields
        values.append(value)
        fields["loss_id"] = entry.number
        count = len(values)
        fields["loss"] = value if count == 1 else sum(values) / (1 if shares_divisor(entry.fact, count) else count)
        self._evaluation._trained[entry.number] = None
        return True

    def _count(self) -> None:
        """Take that the training goes on."""
        sources, rows = self._evaluation._sources, self._rows
        self._counts["backward"] += 1
        self._order._batch_came = self._clipping._stepped = False
        self._nonfinite._inputs = ()
        self._evaluation._current = None
        sources.go_on()
        if rows._loader is not None:
            rows.note_training()
        self._recorder._filter._foreign_backward = False

    @veiled
    def backward_ends(self) -> bool:
        """Note the time, and the version of a parameter."""
        recorder, boundaries = self._recorder, self._boundaries
        if recorder._busy or ident() != self._thread or looked_at() is not None:
            return False
        implicit = boundaries._implicit
        parameter = implicit._parameter() if implicit._parameter is not None else None
        if parameter is None or parameter.grad is None or not boundaries.optimizer_seen:
            return False
        if boundaries._unstepped >= _FEW or boundaries._lost_cycles or recorder._filter._foreign_backward:
            return False
        self._cost.entered = begun = now()
        self._timing._trained = begun, self._timing._wait
        recorder.losses.last = None
        implicit._version = version(parameter)
        boundaries._unstepped += 1
        self._cost.spent += now() - begun
        return True
