"""Shortcuts of a loss that is trained on as it is, and of its backward."""

import math
import sys
from typing import Any
from weakref import ref

import torch

from trainadvisor.instrument.call_sites import USERS, Place, rank, user_place
from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes, tracing_state, transform, version
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.device_readback import HostValues
from trainadvisor.record.losses.loss_calls import LossCall, LossEntry, is_scaled, rescaled
from trainadvisor.record.losses.loss_graph import LAST_GRAPH_STEP, steps_to_read
from trainadvisor.record.losses.shared_divisor import shares_divisor
from trainadvisor.record.shortcuts.arming import frames_of
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now
from trainadvisor.record.step import Step

_Tensor = torch.Tensor
_grad_enabled = torch.is_grad_enabled

# Lines of the user's that are known.
_MOST_SITES = 64

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
        if len(args) != 2 or not self._may_hold(result):
            return False
        self._cost.entered = begun = now()
        frame = sys._getframe(5)  # behind the function around the loss, and those that call it
        site = frame.f_code, frame.f_lasti, kind, kwargs.get("reduction", "mean")
        entry = self._sites.get(site) or self._entry_at(site, frame.f_code.co_filename)
        if entry is None or not self._holds(entry, result, args[1]):
            return False
        if self._rows._open is not None:
            apart(self._rows.on_loss, kind, args, kwargs, result)
        if self.arming.wants(self._recorder.step_number + 1):
            self._called, self._told = (frames_of(frame), kind, site[3], entry), None
        self._cost.spent += now() - begun
        return True

    @veiled
    def told_loss(self, kind: str, settings: dict[str, Any], result: object, told: object) -> bool:
        """Hold such a loss of a framework's own object, which tells where it is made."""
        if not self._may_hold(result):
            return False
        self._cost.entered = begun = now()
        reduction = settings.get("reduction", "mean")
        entry = self._known_entry(kind, reduction, settings["place"])
        if entry is None or not self._holds(entry, result):
            return False
        if self.arming.wants(self._recorder.step_number + 1):
            # behind the function around the loss, and those that call it
            self._called, self._told = (frames_of(sys._getframe(5)), kind, reduction, entry), ref(told)
        self._cost.spent += now() - begun
        return True

    def _may_hold(self, result: object) -> bool:
        """Return whether the result of a loss function is one of the training, and nothing else is held."""
        if ident() != self._thread or looked_at() is not None or type(result) is not _Tensor:
            return False
        if function_modes() or dispatch_modes() or tracing_state() is not None or transform() is not None:
            return False
        models, losses = self._recorder.step.models, self._losses
        return bool(models) and not losses._pending and result.requires_grad and _grad_enabled()

    def _holds(self, entry: LossEntry, result: Any, target: object = None) -> bool:
        """Hold the loss if nothing but its value, or a multiple of that, was differentiated the last time."""
        root, losses = self._recorder.step.models[0].entrance(), self._losses
        if not (entry.straight or entry.scaled) or root is None or not root.training or result.is_meta:
            return False
        labels = None
        if entry.fact["reduction"] == "sum":
            if type(target) is not _Tensor or target.is_floating_point():
                return False
            labels = target
        losses._serial += 1
        call = LossCall(entry, result, None, True, None, result, losses._serial, None, True, labels)  # noqa: FBT003
        losses._pending = [call]
        return True

    def _entry_at(self, site: tuple[Any, ...], filename: str) -> LossEntry | None:
        """Return the loss that is called, where only its value is wanted from now on; remember a call by the user."""
        kind, reduction = site[2:]
        entry = self._known_entry(kind, reduction, user_place(5))
        if entry is not None and rank(filename) == USERS and len(self._sites) < _MOST_SITES:
            self._sites[site] = entry
        return entry

    def _known_entry(self, kind: str, reduction: str, place: Place | None) -> LossEntry | None:
        entry: LossEntry | None = self._losses._entries.get((kind, reduction, place))
        if entry is None or kind not in self._routine.kinds or self._losses._is_looked_at(entry, "train"):
            return None
        return entry

    @veiled
    def backward_begins(self, args: tuple[Any, ...]) -> bool:
        """Read the value of a loss that is differentiated itself."""
        if ident() != self._thread or looked_at() is not None or function_modes() or dispatch_modes():
            return False
        step, pending = self._recorder.step, self._losses._pending
        tensor: Any = args[0] if args else None
        if type(tensor) is tuple and tensor:
            tensor = tensor[0]
        if len(pending) != 1 or not pending[0].held or not _is_of(tensor, pending[0]):
            return False
        if not step.models or step.stepped or (step.micro and self._boundaries.may_close()):
            return False
        if True in self._order._left.values() or len(sys.modules) != self._framework.modules_seen:
            return False
        self._cost.entered = begun = now()
        if not self._take(step, pending[0], tensor):
            return False
        if self._evaluation._returned.offered:
            self._evaluation._returned.match(tensor, pending[0].entry.number)
        self._count()
        self._cost.spent += now() - begun
        return True

    def _take(self, step: Step, call: LossCall, tensor: torch.Tensor) -> bool:
        """Read the value; one that is far from usual, or in a step that looks at the graph, goes the long way."""
        recorder, losses, entry = self._recorder, self._losses, call.entry
        if entry.graph is None or recorder.scale.reading is not None or type(recorder.values) is not HostValues:
            return False
        if step.number <= LAST_GRAPH_STEP and step.number in steps_to_read(entry.graph):
            return False
        if entry.number not in self._policy._first:
            return False
        value, jumps = (tensor if call.labels is not None else call.value).item(), losses._jumps
        size = value if value >= 0 else -value
        if not size <= jumps._times * jumps._usual or step.number <= jumps._steady_after or not math.isfinite(value):
            return False
        jumps._usual += 0.1 * (size - jumps._usual)
        losses._pending = []
        step.micro += 1
        recorder.losses.last, self._counts.divided = tensor, tensor is not call.value
        values, fields = step.losses, step.fields
        values.append(value)
        fields["loss_id"] = entry.number
        count = len(values)
        fields["loss"] = value if count == 1 else sum(values) / (1 if shares_divisor(entry.fact, count) else count)
        self._evaluation._trained[entry.number] = None
        return True

    def _count(self) -> None:
        """Take that the training goes on."""
        self._counts["backward"] += 1
        self._order._batch_came = self._clipping._stepped = False
        self._nonfinite._inputs = ()
        self._evaluation._current = None
        self._count_draws()

    def _count_draws(self) -> None:
        """Take that what was drawn is trained on."""
        rows = self._rows
        self._evaluation.sources.go_on()
        if rows._loader is not None or rows._open is not None:
            apart(rows.on_backward_begins)

    @veiled
    def backward_ends(self) -> bool:
        """Note the time, and the version of a parameter."""
        boundaries, thread = self._boundaries, ident()
        implicit = boundaries._implicit
        parameter = implicit._parameter() if implicit._parameter is not None else None
        if thread != self._thread or type(parameter) is not torch.nn.Parameter or function_modes():
            return False
        if parameter.grad is None or boundaries._unstepped >= _FEW:
            return False
        self._cost.entered = begun = now()
        self._timing._trained = begun, self._timing._wait
        self._recorder.losses.last = None
        implicit.version = version(parameter)
        boundaries._unstepped += 1
        return True


def _is_of(tensor: object, call: LossCall) -> bool:
    """Return whether a loss is differentiated, or a plain multiple of one that was before; of a sum only that."""
    if call.value is tensor:
        return call.labels is None and not rescaled(call.value)
    return call.entry.scaled and is_scaled(tensor, call.value)
