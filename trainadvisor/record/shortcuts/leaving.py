"""Leaving a plan: the recording is put into the state that the handlers of the probes would have left."""

from typing import Any

from trainadvisor.record.losses.loss_calls import LossCall
from trainadvisor.record.shortcuts.states import BACKWARD, DONE, FORWARD, FORWARDING, LOSS, READY, STEPPING


# A plan, whose slots are known from inside.
def bring_up_to_date(plan: Any) -> None:
    """Add what was taken since the plan was armed; what the open step has come to is put into that step."""
    state, closed = plan.state, plan.number - plan.first
    _count(plan, closed, state)
    _fill_step(plan, state)
    if closed or state >= BACKWARD:
        _note_backward(plan, closed, state)
    _note_forward(plan, state)
    _note_clearing(plan)
    if plan.inside:
        plan.recorder.boundaries.in_step, plan.shortcuts._stepping, plan.inside = True, plan.key, False
    plan.book()
    if state:
        plan.cost.spent += plan.own[0]  # of the open step
    plan.clip, plan.args, plan.given, plan.result, plan.root = None, (), None, None, None


def _count(plan: Any, closed: int, state: int) -> None:
    counts, shortcuts, forwards = plan.recorder.counts, plan.shortcuts, closed + (state >= FORWARD)
    found = {
        "zero_grad": plan.zeros, "forward": forwards, "train_forward": forwards,
        "backward": closed + (state >= BACKWARD), "step": closed + (state == DONE),
    }  # fmt: skip
    for name, number in found.items():
        if number:
            counts[name] += number
    plan.zeros = 0
    plan.line.steps += closed + (state == DONE)
    shortcuts._losses._serial += closed + (state >= LOSS)
    if forwards:
        plan.twin.steps += forwards
        plan.twin.last = plan.number - (state < FORWARD)


def _fill_step(plan: Any, state: int) -> None:
    """Put into the open step what it has come to."""
    step, fields = plan.step, plan.step.fields
    if state >= FORWARDING:
        step.models = [plan.model]
    else:
        fields.clear()  # of the epoch, which the forward notes
    if state >= FORWARD:
        fields["batch"] = plan.batch
        plan.order._modes = [False]
    if state >= BACKWARD:
        step.micro, step.losses = 1, [plan.value]
        fields["loss_id"], fields["loss"] = plan.entry.number, plan.value
    if plan.clip is not None:
        fields["clip_max"], fields["clip_norm"] = plan.clip
    if state >= STEPPING or plan.inside:
        fields["lr"] = plan.rates
    if state == DONE:
        step.stepped, step.ended = [*plan.opt], plan.ended


def _note_backward(plan: Any, closed: int, state: int) -> None:
    """Note where the last backward and step have left the training."""
    shortcuts, boundaries = plan.shortcuts, plan.recorder.boundaries
    shortcuts._evaluation._trained[plan.entry.number] = None
    shortcuts._clipping._stepped = not BACKWARD <= state <= STEPPING
    boundaries._unstepped = int(state in (READY, STEPPING))
    plan.recorder.losses.last = plan.root if state == BACKWARD else None
    if closed or state >= READY:
        boundaries._implicit.version = plan.version
        plan.timing._trained = plan.trained, plan.waited
    if state == STEPPING:
        boundaries.in_step, shortcuts._stepping = True, plan.key


def _note_forward(plan: Any, state: int) -> None:
    """Hold what waits for the end of a forward, and for a backward."""
    shortcuts, nonfinite = plan.shortcuts, plan.nonfinite
    if FORWARDING <= state < BACKWARD:
        if not nonfinite._done:
            nonfinite._inputs = plan.args, {}
        if plan.collects and plan.given is not None:
            shortcuts._rows._open = plan.model.number, plan.given.detach()
    if state == FORWARDING:
        sequence = shortcuts._sequence
        sequence._called, sequence._inside, sequence._names = [], True, plan.model.layer_names
        shortcuts._running = plan.model, plan.given
    if state == LOSS:
        losses, result = shortcuts._losses, plan.result
        call = LossCall(plan.entry, result, None, True, None, result, losses._serial, held=True)  # noqa: FBT003
        losses._pending = [call]


def _note_clearing(plan: Any) -> None:
    left = plan.order._left
    if plan.key in left:
        left[plan.key] = not plan.cleared
