"""Shortcuts of the forward of a training."""

from typing import Any

import torch
from torch import nn

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes, graph_task, tracing_state, transform
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.user_modes import apart
from trainadvisor.log.records import Record
from trainadvisor.record.evaluations.evaluation_source import Stretch
from trainadvisor.record.objects.describe import NORMS
from trainadvisor.record.objects.watched_model import Model
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now
from trainadvisor.record.step import Call

_Tensor, _strided = torch.Tensor, torch.strided
_grad_enabled, _inference = torch.is_grad_enabled, torch.is_inference_mode_enabled

FORWARD_BEGINS = frozenset({
    "TimingProbe", "TrainingLossProbe", "NonfiniteProbe", "EvaluationProbe", "SequenceAxesProbe", "Recorder",
})  # fmt: skip
# A probe that takes the rows of the first batches.
ROWS = frozenset({"SharedRowsProbe"})
FORWARD_ENDS = frozenset({"TimingProbe", "CallOrderProbe", "IdleTwinProbe", "EvaluationProbe", "SequenceAxesProbe"})


class Forwards(Parts):
    """Takes forwards of models that train as they did before."""

    @veiled
    def forward_begins(  # noqa: C901, PLR0911 - written out for speed
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> bool:
        """Close the step before, and begin the next one."""
        if ident() != self._thread or looked_at() is not None or graph_task() != -1 or not module.training:
            return False
        if function_modes() or dispatch_modes() or tracing_state() is not None or transform() is not None:
            return False
        model, count, recorder = self._objects._owner.get(id(module)), len(args) + len(kwargs), self._recorder
        if model is None or self._routine.models.get(model.number) != count or model.entrance() is not module:
            return False
        if model.lazy or not _grad_enabled() or _inference() or self._losses._pending:
            return False
        given = args[0] if args else next(iter(kwargs.values()), None)
        if type(given) is dict:
            given = next(iter(given.values()), None)
        if type(given) is not _Tensor or not given.ndim or given.is_meta or given.layout is not _strided:
            return False
        self._cost.entered = begun = now()
        step = recorder.step
        if step.stepped:
            if self._boundaries.in_step or not self._close():
                return False
            if slot.plan is not None and slot.plan.forward_begins(module, args, kwargs):
                self._cost.spent += now() - begun
                return True
            step = recorder.step
        elif step.micro and self._boundaries.may_close():
            return False
        self._running = model, given
        self._begin(step.models, model, args, kwargs, given)
        self._cost.spent += now() - begun
        return True

    def _begin(
        self, models: list[Model], model: Model, args: tuple[Any, ...], kwargs: dict[str, Any], given: torch.Tensor
    ) -> None:
        timing, sources, sequence = self._timing, self._evaluation.sources, self._sequence
        if timing._last_loader is not None or timing._epoch is not None:
            timing.note_epoch(grad=True, training=True)
        if sources.train() is None and not sources._drawn and not sources.remembers(given):
            sources.remember(Stretch.of(given))
        if not self._nonfinite._done:
            self._nonfinite._inputs = args, kwargs
        sequence._called, sequence._inside, sequence._names = [], True, model.layer_names
        if self._rows_open:
            apart(self._rows.begin_training, model.number, given)
        if model not in models:
            models.append(model)

    @veiled
    def forward_ends(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        """Take the size of the batch, and count the forward."""
        running, self._running = self._running, None
        if running is None:
            return
        model, given = running
        armed: object = slot.now
        twin = self._twins._known.get(model.number)
        long = self._ends_long or armed is not self or twin is None or self._sequence._called
        if long or (model.cares and not learns(model)):
            self._recorder.on("forward_ends", Call(module, model, args, kwargs, True, True, module, output))  # noqa: FBT003
            return
        self._cost.entered = begun = now()
        step = self._recorder.step
        self._note_size(step.fields, model, given)
        self._counts["forward"] += 1
        self._counts["train_forward"] += 1
        self._order._modes.append(False)
        if twin.last != step.number:
            twin.last, twin.steps = step.number, twin.steps + 1
        if type(output) is not _Tensor or output.ndim <= 1:
            apart(self._evaluation._returned.offer, model.number, output)
        self._sequence._inside, self._sequence._drawn = False, None
        self._cost.spent += now() - begun

    def _note_size(self, fields: Record, model: Model, given: torch.Tensor) -> None:
        timing, before = self._timing, fields.get("batch", 0)
        if timing._last_loader is None and given.ndim > 1 and timing._time_major.get(model.number) is False:
            size = given.size(0)
        else:
            size = timing.examples(given, model)
        fields["batch"] = max(before, size)


def learns(model: Model) -> bool:
    """Return whether a layer that cares about its mode is certainly in the one for training."""
    layer = model.cares[0]()
    if layer is None or not layer.training or len(model.alive) != 1:
        return False
    return not isinstance(layer, NORMS) or (layer.weight is not None and layer.weight.requires_grad)
