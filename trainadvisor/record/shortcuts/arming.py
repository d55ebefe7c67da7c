"""When a plan is armed: after a step whose every call the shortcuts have taken, and of which a plan knows all."""

import math
from typing import Any

from torch.nn import Parameter

from trainadvisor.instrument.call_sites import USERS, rank
from trainadvisor.instrument.hidden_frame import VEIL
from trainadvisor.record.device_readback import HostValues
from trainadvisor.record.losses.loss_calls import LossEntry
from trainadvisor.record.losses.loss_graph import steps_to_read
from trainadvisor.record.shortcuts.plan import Plan
from trainadvisor.record.step import Step

_FIELDS = frozenset({"batch", "loss_id", "loss", "lr", "mode", "epoch", "wait", "clip_max", "clip_norm"})
# Events that the shortcuts may leave to the long way.
_EVENTS = frozenset({"batch_begins", "batch_ends", "forward_begins", "loss", "backward_begins", "backward_ends",
                     "step_begins", "step_ends", "zero_grad", "clip_grad_norm_", "scheduler_step"})  # fmt: skip
# Frames from a loss function to the user's call of it, at most: of skorch's `fit` there are some twenty.
_FRAMES = 40
# Steps without a plan after several that were left at once, at most.
_LONGEST_WAIT = 256
# The same where a plan did not know all of a step.
_LONGEST_PAUSE = 63


class Arming:
    """Arms one plan again and again, with longer waits where it never lasts."""

    # Shortcuts, whose parts are known from inside.
    def __init__(self, shortcuts: Any) -> None:
        self._shortcuts = shortcuts
        self.plan = Plan(shortcuts)
        self._wait, self._from = 0, 0
        # Steps until it is looked again where a plan does not know all that a step consists of.
        self._pause = 0

    def wants(self, number: int) -> bool:
        """Return whether a plan may begin with this step."""
        return number >= self._from

    def consider(self, closed: Step) -> None:
        """Arm the plan for the step that begins if the one before was plain in every way."""
        shortcuts, plan = self._shortcuts, self.plan
        recorder = shortcuts._recorder
        number = recorder.step_number
        until = min(shortcuts._next_look, shortcuts._next_tier - 1)
        if number < self._from or number + 1 >= until:
            return
        if not (self._is_plain(closed) and self._is_settled()):
            self._from = number + 1
            return
        if not self._know(closed):
            self._from, self._pause = number + 1 + self._pause, min(_LONGEST_PAUSE, 2 * self._pause + 1)
            return
        self._pause = 0
        read = steps_to_read(plan.entry.graph or {"parameters": ()})
        looked = min((step for step in read if step >= number), default=math.inf)
        if number + 1 >= looked:
            return
        until = min(until, looked - 1)
        plan.thread, plan.step, plan.begun = shortcuts._thread, recorder.step, recorder.step.begun
        plan.cleared = not shortcuts._order._left.get(plan.key, True)
        plan.modules = shortcuts._framework.modules_seen
        plan.closure, plan.inside, plan.clip = shortcuts._order._closure, False, None
        plan.begin(number, until)

    def left(self, closed: int) -> None:
        """Take how many steps the plan has closed: one that is left at once has to wait."""
        self._wait = 0 if closed else min(_LONGEST_WAIT, 2 * self._wait + 1)
        self._from = self._shortcuts._recorder.step_number + self._wait

    def _is_plain(self, closed: Step) -> bool:
        one = closed.micro == len(closed.stepped) == len(closed.models) == len(closed.losses) == 1
        return one and closed.fields.keys() <= _FIELDS and closed.fields["mode"] == "train"

    def _is_settled(self) -> bool:
        """Return whether nothing is under way of which a plan knows nothing."""
        shortcuts = self._shortcuts
        long = shortcuts._ends_long or not shortcuts.__dict__.keys().isdisjoint(_EVENTS)
        if long or type(shortcuts._recorder.values) is not HostValues:
            return False
        recorder, order, evaluation = shortcuts._recorder, shortcuts._order, shortcuts._evaluation
        queue, timing, sources = recorder.queue, shortcuts._timing, evaluation.sources
        if queue._header is not None or queue._waiting:
            return False
        if order._micro != 1 or evaluation._current is not None:
            return False
        if recorder.scale.reading is not None:
            return False
        if timing._last_loader is not None:
            return True
        drawn = sources.fresh or sources._pass is not None or sources.announced or sources._drawn
        return not (drawn or order._batch_came or shortcuts._rows._loader is not None)

    def _know(self, closed: Step) -> bool:
        """Take what the step consisted of; return whether all of it is there."""
        shortcuts, plan, model = self._shortcuts, self.plan, closed.models[0]
        recorder, called, key = shortcuts._recorder, shortcuts._called, shortcuts._stepped
        objects, implicit = recorder.objects, recorder.boundaries._implicit
        optimizer = next((o for o in objects.alive_optimizers() if id(o) == key), None)
        if called is None or not _is_followed(called[3], called[2]):
            return False
        plan.scaled = called[3].scaled
        if recorder.counts.divided is not plan.scaled:
            return False
        if optimizer is None or objects.optimizers[key]["id"] != closed.stepped[0]:
            return False
        plan.frames, plan.kind, plan.reduction, plan.entry = called
        plan.told = shortcuts._told
        twin, line = shortcuts._twins._known.get(model.number), shortcuts._renewed._line_of.get(closed.stepped[0])
        parameter = implicit._parameter() if implicit._parameter is not None else None
        if plan.entry.number != closed.fields["loss_id"] or twin is None or line is None or line.empty:
            return False
        if len(model.alive) != 1 or type(parameter) is not Parameter or not plan.frames:
            return False
        plan.module, plan.model, plan.cares = model.entrance, model, bool(model.cares)
        plan.held, plan.twin, plan.line, plan.tried = implicit._parameter, twin, line, shortcuts._order._tried[key]
        plan.key, plan.opt, plan.size = key, closed.stepped, shortcuts._coverage._sizes.get(closed.stepped[0], -1)
        plan.count = shortcuts._routine.models.get(model.number, 0)
        timing, rows = shortcuts._timing, shortcuts._rows
        plan.collects = shortcuts._rows_open and model.number in rows._trained and rows.wants(model.number)
        plan.loads = timing._last_loader is not None
        plan.sizes.clear()
        if not plan.loads and timing._epoch is not None:
            recorder.step.fields["epoch"] = timing._epoch
        return True


def _is_followed(entry: LossEntry, reduction: str) -> bool:
    """Return whether the number of a loss is its own, or that of a mean that is scaled afterwards."""
    return entry.graph is not None and entry.straight is not entry.scaled and (entry.straight or reduction == "mean")


def frames_of(frame: Any) -> list[tuple[int, Any, int]]:
    """Return where a loss function is called, and where the user's code has called that: none if it is far away."""
    found, depth = [(0, frame.f_code, frame.f_lasti)], 0
    while rank(frame.f_code.co_filename) != USERS:
        frame = frame.f_back
        if frame is None or depth > _FRAMES:
            return []
        depth += not frame.f_code.co_filename.startswith(VEIL)  # frames of the long way, which a plan does not take
    return [*found, (depth, frame.f_code, frame.f_lasti)] if depth else found
