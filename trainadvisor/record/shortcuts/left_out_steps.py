"""Steps that are left out: where plain steps cost more than their share, only every few are recorded.

Of such a step as little is asked as can be: whether it is made of the same calls, where its loss is computed, and how
large that is, so that a jump is seen where it comes. What its record would hold is kept as it was given. Where anything
else happens, the plan gets the step back, as if it had taken all of it, and the step is recorded like any other.

The slots are few and of one class only, because after a step of the training nothing of ours is in the caches.
"""

from typing import Any

import torch
from torch import nn

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes, graph_task, version
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.evaluations.evaluation_source import Stretch
from trainadvisor.record.probes.renewed_optimizers import keep
from trainadvisor.record.shortcuts.parts import SWITCHES, ident, now
from trainadvisor.record.shortcuts.states import (
    BACKWARD,
    DONE,
    FORWARD,
    FORWARDING,
    LOSING,
    LOSS,
    OFF,
    READY,
    START,
    STEPPING,
)

_Tensor, _grad_enabled = torch.Tensor, torch.is_grad_enabled


class LeftOutSteps:
    """Takes the events of steps of which no record is written, each returning what the plan's would."""

    __slots__ = (
        "args", "arrived", "asked", "begun", "cleared", "clip", "closure", "count", "drawn", "ended", "frames",
        "inside", "key", "kind", "left", "limit", "loads", "module", "number", "plan", "rates", "recorder", "reduction",
        "result", "root", "scaled", "shape", "state", "step", "thread", "told", "trained", "tried", "value", "zeros",
    )  # fmt: skip

    args: tuple[Any, ...]
    # What a loader gave, with the arguments of that call, and the shape of what the model was given.
    drawn: tuple[tuple[Any, ...], object] | None
    shape: torch.Size | None
    # Threshold and norm of a clipping.
    clip: tuple[float, float] | None
    # What the loss function gave, and what is differentiated.
    result: Any
    root: object

    # A plan, whose slots are known from inside.
    def __init__(self, plan: Any) -> None:
        self.plan, self.recorder, self.state = plan, plan.recorder, OFF

    def begin(self, steps: int) -> None:
        """Take so many steps, of which the first begins now."""
        plan = self.plan
        self.left, self.number, self.thread, self.state = steps, plan.number, plan.thread, START
        self.step = plan.step
        self.module, self.count, self.loads, self.key = plan.module, plan.count, plan.loads, plan.key
        self.kind, self.reduction, self.frames, self.scaled = plan.kind, plan.reduction, plan.frames, plan.scaled
        self.told = plan.told
        self.closure, self.inside, self.cleared, self.zeros, self.tried = plan.closure, False, plan.cleared, 0, 0
        self.limit = plan.jumps._times * plan.jumps._usual
        self.args, self.drawn, self.shape, self.clip = (), None, None, None
        self.result = self.root = None
        self.begun, self.ended, self.trained, self.value = plan.begun, plan.ended, plan.trained, plan.value
        self.arrived = self.asked = 0.0
        self.rates = plan.rates

    # The events

    @veiled
    def batch_begins(self, iterator: object) -> bool:
        """Let the step before pass, and start the clock of the wait."""
        state = self.state
        if not self.loads or self.drawn is not None or START < state < DONE or ident() != self.thread:
            return self._handed_back("batch_begins", iterator)
        if state == DONE and not self._close():
            return self._handed_back("batch_begins", iterator)
        self.asked = now()
        return True

    @veiled
    def batch_ends(self, args: tuple[Any, ...], batch: object) -> bool:
        """Keep the batch."""
        if self.state != START or self.drawn is not None or ident() != self.thread:
            return self._handed_back("batch_ends", args, batch)
        shortcuts = self.plan.shortcuts
        if shortcuts._passes_open:
            apart(shortcuts._passes.on_batch_ends, args, {}, batch)
        self.drawn, self.arrived = (args, batch), now()
        return True

    @veiled
    def forward_begins(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
        """Let the step before pass, and begin the next one."""
        state = self.state
        if module is not self.module() or START < state < DONE or ident() != self.thread:
            return self._of_another(module, args, kwargs)
        given = args[0] if args and len(args) + len(kwargs) == self.count else None
        if kwargs and not all(type(value) in SWITCHES for value in kwargs.values()):
            given = None
        if type(given) is not _Tensor or given.ndim < 2 or not module.training or not _grad_enabled():
            return self._handed_back("forward_begins", module, args, kwargs)
        if self.inside is not self.closure or (self.loads and self.drawn is None):
            return self._handed_back("forward_begins", module, args, kwargs)
        if state == DONE and not self._close():
            return self._handed_back("forward_begins", module, args, kwargs)
        self.args, self.shape, self.state = args, given.shape, FORWARDING
        return True

    def _of_another(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
        if ident() != self.thread or graph_task() != -1:
            return False
        if self.state != OFF and module is not self.module():
            taken: bool | None = self.plan.of_another(module)
            if taken is not True:
                return taken
        return self._handed_back("forward_begins", module, args, kwargs)

    @veiled
    def forward_ends(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        """Take that the model has given something."""
        if self.state == FORWARDING and type(output) is _Tensor:
            self.state = FORWARD
        else:
            self._handed_back("forward_ends", module, args, kwargs, output)

    @veiled
    def loss_begins(self, kind: str, count: int) -> bool | None:
        """Return whether the loss of the step is about to be computed; None inside of that."""
        if self.state == FORWARD and kind == self.kind and count == 2 and ident() == self.thread:
            self.state = LOSING
            return True
        return None if self.state == LOSING else self._handed_back("loss_begins", kind, count)

    @veiled
    def told_loss_begins(self, told: object, plain: bool) -> bool:  # noqa: FBT001
        """Return whether a framework's own object is about to compute the loss of the step, as it did before."""
        same = self.state == FORWARD and self.told is not None and self.told() is told and ident() == self.thread
        if not same or not plain:
            return self._handed_back("told_loss_begins", told, plain)
        self.state = LOSING
        return True

    def loss_failed(self) -> None:
        """Take that the loss function has raised."""
        if self.state == LOSING:
            self.state = FORWARD

    @veiled
    def loss(self, frame: Any, kwargs: dict[str, Any], result: object) -> bool:
        """Hold the loss until its backward; its function was called where it always is, in that frame."""
        if self.state != LOSING or ident() != self.thread or kwargs.get("reduction", "mean") != self.reduction:
            return self._handed_back("loss", frame, kwargs, result)
        at = frame
        for depth, code, place in self.frames:
            while depth:
                at, depth = at.f_back, depth - 1  # noqa: PLW2901 - a range would be made at each step
            if at is None or at.f_lasti != place or at.f_code is not code:
                return self._handed_back("loss", frame, kwargs, result)
        self.result, self.state = result, LOSS
        return True

    @veiled
    def backward_begins(self, tensor: object) -> bool:
        """Read the value of the loss."""
        root = tensor[0] if type(tensor) is tuple and tensor else tensor
        result = self.result
        plain = self.state == LOSS and self.cleared and (root is result) is not self.scaled and ident() == self.thread
        if not plain or type(result) is not _Tensor or function_modes() or dispatch_modes():
            return self._handed_back("backward_begins", tensor)
        value = result.item()
        if not -self.limit <= value <= self.limit:
            return self._handed_back("backward_begins", tensor)
        self.value, self.root, self.args, self.state = value, root, (), BACKWARD
        return True

    @veiled
    def backward_ends(self) -> bool:
        """Note that the optimizer may step."""
        if self.state != BACKWARD:
            return self._handed_back("backward_ends")
        self.result, self.root, self.trained, self.state = None, None, now(), READY
        return True

    @veiled
    def step_begins(self, optimizer: torch.optim.Optimizer, closure: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Read the learning rates, which a schedule may change before the plan is asked."""
        if closure or id(optimizer) != self.key or self.state != READY or self.closure:
            return self._closure_begins(optimizer, closure)
        groups = optimizer.param_groups
        self.rates = [groups[0]["lr"]] if len(groups) == 1 else [group["lr"] for group in groups]
        self.state = STEPPING
        self.tried += 1
        return True

    def _closure_begins(self, optimizer: torch.optim.Optimizer, closure: bool) -> bool:  # noqa: FBT001
        state = self.state
        same = closure and self.closure and id(optimizer) == self.key and ident() == self.thread and not self.inside
        if not same or state not in (START, DONE) or (state == DONE and not self._close()):
            return self._handed_back("step_begins", optimizer, closure)
        self.rates, self.inside = [group["lr"] for group in optimizer.param_groups], True
        return True

    @veiled
    def step_ends(self, optimizer: torch.optim.Optimizer) -> bool:
        """Note that the gradients are used up, and let go of the batch."""
        if self.state != (READY if self.inside else STEPPING) or id(optimizer) != self.key:
            return self._handed_back("step_ends", optimizer)
        if self.plan.line.made > 1:
            apart(keep, self.plan.line, optimizer)
        self.ended, self.cleared, self.inside, self.drawn, self.state = now(), False, False, None, DONE
        return True

    @veiled
    def zero_grad(self) -> bool:
        """Note that nothing is left of the gradients of the optimizer."""
        if BACKWARD <= self.state <= STEPPING or ident() != self.thread:
            return self._handed_back("zero_grad")
        self.zeros += 1
        self.cleared = True
        return True

    @veiled
    def scheduler_step(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> bool:
        """Count the step of a scheduler."""
        plain = self.state in (START, DONE) and self.plan.shortcuts.scheduler_step(args, kwargs, result)
        return bool(plain) or self._handed_back("scheduler_step", args, kwargs, result)

    @veiled
    def clip_grad_norm_(self, args: tuple[Any, ...], kwargs: dict[str, Any], norm: object) -> bool:
        """Note the norm before clipping and the threshold."""
        if self.state != READY or ident() != self.thread or function_modes() or dispatch_modes():
            return self._handed_back("clip_grad_norm_", args, kwargs, norm)
        self.clip = self.plan.shortcuts.read_clip(self.number, args, kwargs, norm)
        return self.clip is not None or bool(self.plan.unexpected())

    # The end of a step, and of all of them

    def _close(self) -> bool:
        """Let the step pass; return whether the next one is left out too."""
        self.begun, self.clip, self.shape, self.state = self.ended, None, None, START
        # other threads are told of it too
        self.number = self.step.number = self.recorder.step_number = self.number + 1
        self.left -= 1
        return self.left > 0

    def _handed_back(self, event: str, *args: Any) -> bool:
        """Let the plan take an event and all that follow; one of another thread goes the long way."""
        if self.state != OFF:
            if ident() != self.thread:
                return False
            self.hand_back()
            slot.plan = self.plan
        return getattr(self.plan, event)(*args)  # type: ignore[no-any-return]

    def leave(self) -> None:
        """Leave the plan."""
        self.plan.leave()

    def failed(self, error: Exception) -> bool:
        """Take no shortcut any more after a mistake of ours."""
        return bool(self.plan.failed(error))

    def hand_back(self) -> None:
        """Put the plan into the state that it would be in had it taken the steps itself."""
        plan, state, closed = self.plan, self.state, self.number - self.plan.number
        self.state = OFF
        plan.number = self.number
        plan.recorder.skipped += closed
        plan.unbooked[1] += closed
        plan.begun = plan.step.begun = self.begun
        plan.ended, plan.trained, plan.value = self.ended, self.trained, self.value
        plan.rates = [float(rate) for rate in self.rates]  # which may have become tensors
        plan.state, plan.inside, plan.cleared, plan.clip = state, self.inside, self.cleared, self.clip
        plan.zeros += self.zeros
        plan.tried[0] += self.tried
        plan.args, plan.result, plan.root = self.args, self.result, self.root
        parameter = plan.held()
        if parameter is not None:
            plan.version = version(parameter)
        self._give_batch(plan, state)
        self.args, self.result, self.root = (), None, None

    def _give_batch(self, plan: Any, state: int) -> None:
        """Do what was left undone of the batch of the open step."""
        drawn, self.drawn = self.drawn, None
        if drawn is not None:
            plan.timing._asked = self.asked + now() - self.arrived
            apart(plan.shortcuts._note_batch, *drawn)
        elif state == DONE and self.loads:
            plan.timing._wait = self.arrived - self.asked
        elif self.asked > self.arrived:
            plan.timing._asked = self.asked
        if self.shape is None or state < FORWARDING:
            return
        plan.batch = int(plan.timing.examples_of(self.shape, plan.model))
        given = plan.args[0] if plan.args else None
        plan.given = given if state < READY else None
        if not (self.loads and plan._is_drawn()) and given is not None and not plan.sources.remembers(given):
            plan.sources.remember(Stretch.of(given))
        if state >= BACKWARD and self.loads:
            plan.order._batch_came = False
            plan.shortcuts._count_draws()
            plan.waited = plan.timing._wait
