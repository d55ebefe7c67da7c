"""The plan of plain steps: while each is made of the same calls, slots are filled, and its record is written at once.

What the handlers of the probes would have counted meanwhile is added when the plan is left: at whatever it does not
expect. What is asked of a call here is what could make it another one than that of the step before.
"""

import sys
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import (
    dispatch_modes,
    function_modes,
    graph_task,
    tracing_state,
    transform,
    version,
)
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.evaluations.evaluation_source import Stretch
from trainadvisor.record.losses.loss_calls import is_scaled
from trainadvisor.record.probes.renewed_optimizers import keep
from trainadvisor.record.shortcuts.forwards import learns
from trainadvisor.record.shortcuts.parts import SWITCHES, ident, looked_at, now
from trainadvisor.record.shortcuts.plan_course import PlanCourse
from trainadvisor.record.shortcuts.states import (
    BACKWARD,
    DONE,
    FORWARD,
    FORWARDING,
    LOSING,
    LOSS,
    READY,
    START,
    STEPPING,
)

_Tensor, _Parameter, _strided = torch.Tensor, nn.Parameter, torch.strided
_grad_enabled, _inference = torch.is_grad_enabled, torch.is_inference_mode_enabled
_modules = sys.modules
_LOSSES = nn.modules.loss.__name__


class Plan(PlanCourse):
    """Takes the events of a step that is made of the same calls as the one before, by one model and one optimizer."""

    __slots__ = ()

    # Each returns whether the event was taken.

    @veiled
    def batch_begins(self, iterator: object) -> bool:
        """Close the step before, and start the clock of the wait."""
        if ident() != self.thread or looked_at() is not None:
            return False
        if self.inside or not self.loads or self.state not in (START, DONE):
            return self.unexpected()
        if self.state == DONE and (taker := self._close()) is not self:
            return taker is not None and taker.batch_begins(iterator)
        self.timing._asked = now()
        self.sources.ask(iterator)
        return True

    @veiled
    def batch_ends(self, args: tuple[Any, ...], batch: object) -> bool:
        """Add the wait, and note where the batch is from."""
        if ident() != self.thread or looked_at() is not None or not self.active:
            return False
        apart(self.shortcuts._take_batch, args, batch)
        return True

    @veiled
    def forward_begins(  # noqa: C901, PLR0911 - written out for speed
        self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> bool | None:
        """Close the step before, and begin the next one; return None of a loss, whose call nobody is told of."""
        if ident() != self.thread or graph_task() != -1:
            return False
        state = self.state
        if module is not self.module():
            other = self.of_another(module)
            return self.unexpected() if other else other
        if len(args) + len(kwargs) != self.count or looked_at() is not None or START < state < DONE:
            return self.unexpected()
        if kwargs and not (args and all(type(value) in SWITCHES for value in kwargs.values())):
            return self.unexpected()
        if self.inside is not self.closure:
            return self.unexpected()
        if function_modes() or dispatch_modes() or tracing_state() is not None or transform() is not None:
            return self.unexpected()
        given = args[0]
        if type(given) is not _Tensor or given.layout is not _strided or not module.training or not _grad_enabled():
            return self.unexpected()
        batch = self.sizes.get(given.shape)
        if batch is None or _inference():
            batch = self._size(given)
            if not batch:
                return self.unexpected()
        if state == DONE and (taker := self._close()) is not self:
            return taker is not None and taker.forward_begins(module, args, kwargs)
        if not (self.loads and self._is_drawn()) and not self.sources.remembers(given):
            self.sources.remember(Stretch.of(given))
        self.args, self.given, self.batch, self.state = args, given, batch, FORWARDING
        return True

    def of_another(self, module: nn.Module) -> bool | None:
        """Return whether the calls of another module are recorded too; None of a loss, of which nobody is told."""
        if type(module).__module__ == _LOSSES and (not self.recorder.discover or id(module) in self.objects._plain):
            return None
        return id(module) in self.objects._owner

    def _size(self, given: torch.Tensor) -> int:
        """Return the examples of a batch, 0 where that is not plain to see."""
        if given.ndim < 2 or given.is_meta or _inference():
            return 0
        size = int(self.timing.examples(given, self.model))
        if not self.loads and len(self.sizes) < 64:
            self.sizes[given.shape] = size
        return size

    def _is_drawn(self) -> bool:
        """Note the epoch; return whether a loader has given the batch."""
        self.timing.note_epoch(grad=True, training=True)
        return self.sources.train() is not None or self.sources._drawn > 0

    @veiled
    def forward_ends(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        """Take what the model gave."""
        if self.state == FORWARDING and self.active:
            if type(output) is _Tensor and output.ndim > 1 and (not self.cares or learns(self.model)):
                self.state = FORWARD
                if self.loads:
                    self.shortcuts._sequence._drawn = None
                return
            self.leave()
        self.shortcuts.forward_ends(module, args, kwargs, output)

    @veiled
    def loss_begins(self, kind: str, count: int) -> bool | None:
        """Return whether the loss of the step is about to be computed; None inside of that."""
        if self.state == FORWARD and kind == self.kind and count == 2:
            self.state = LOSING
            return True
        if self.state == LOSING:
            return None
        return self.unexpected()

    @veiled
    def told_loss_begins(self, told: object, plain: bool) -> bool:  # noqa: FBT001
        """Return whether a framework's own object is about to compute the loss of the step, as it did before."""
        if self.state != FORWARD or self.told is None or self.told() is not told or not plain:
            return self.unexpected()
        self.state = LOSING
        return True

    def loss_failed(self) -> None:
        """Take that the loss function has raised."""
        if self.state == LOSING:
            self.state = FORWARD

    @veiled
    def loss(self, frame: Any, kwargs: dict[str, Any], result: object) -> bool:
        """Hold the loss until its backward; its function was called where it always is, in that frame."""
        if not self.active:
            return False
        self.state = FORWARD
        if type(result) is not _Tensor or not _grad_enabled() or transform() is not None or ident() != self.thread:
            return self.unexpected()
        for depth, code, place in self.frames:
            for _ in range(depth):
                frame = frame.f_back
            if frame is None or frame.f_lasti != place or frame.f_code is not code:
                return self.unexpected()
        if kwargs.get("reduction", "mean") != self.reduction:
            return self.unexpected()
        self.result, self.state = result, LOSS
        return True

    @veiled
    def backward_begins(self, tensor: object) -> bool:
        """Read the value of the loss."""
        if ident() != self.thread or graph_task() != -1:
            return False
        if type(tensor) is tuple and tensor:
            tensor = tensor[0]
        result = self.result
        if self.state != LOSS or not self.cleared or len(_modules) != self.modules:
            return self.unexpected()
        if (tensor is result) is self.scaled or (self.scaled and not is_scaled(tensor, result)):
            return self.unexpected()
        if function_modes() or dispatch_modes():
            return self.unexpected()
        value, jumps = result.item(), self.jumps  # type: ignore[union-attr]
        size = value if value >= 0 else -value
        if not size <= jumps._times * jumps._usual:
            return self.unexpected()
        jumps._usual += 0.1 * (size - jumps._usual)
        self.value, self.root, self.state, self.args = value, tensor, BACKWARD, ()
        if self.collects:
            rows, number = self.shortcuts._rows, self.model.number
            apart(rows.take, number, self.given)
            self.collects = rows.wants(number)
        if self.loads:
            self.order._batch_came = False
            self.shortcuts._count_draws()
        return True

    @veiled
    def backward_ends(self) -> bool:
        """Note the time, and the version of a parameter."""
        if self.state != BACKWARD or not self.active:
            return False
        parameter = self.held()
        if parameter is None or function_modes() or parameter.grad is None:
            return self.unexpected()
        self.version, self.result, self.root, self.given, self.state = version(parameter), None, None, None, READY
        self.cost.entered = self.trained = now()
        if self.loads:
            self.waited = self.timing._wait
        return True

    @veiled
    def step_begins(  # noqa: PLR0911 - written out for speed
        self,
        optimizer: torch.optim.Optimizer,
        closure: bool = False,  # noqa: FBT001, FBT002
    ) -> bool:
        """Read the learning rates, and look whether there are gradients; with a closure all of the step is to come."""
        if ident() != self.thread:
            return False
        if closure is not self.closure or self.inside or id(optimizer) != self.key or function_modes():
            return self.unexpected()
        if closure and self.state == DONE and (taker := self._close()) is not self:
            return taker is not None and taker.step_begins(optimizer, closure)
        if self.state != (START if closure else READY):
            return self.unexpected()
        size, rates, groups = 0, [], optimizer.param_groups
        for group in groups:
            size += len(group["params"])
            rate = group["lr"]
            if type(rate) is not float:
                return self.unexpected()
            rates.append(rate)
        first = groups[0]["params"][0]
        if size != self.size or type(first) is not _Parameter or not (closure or first.grad is not None):
            return self.unexpected()
        self.rates = rates
        if closure:
            self.inside = True
        else:
            self.tried[0] += 1
            self.state = STEPPING
        return True

    @veiled
    def step_ends(self, optimizer: torch.optim.Optimizer) -> bool:
        """Note that the gradients are used up."""
        if self.state != (READY if self.inside else STEPPING) or id(optimizer) != self.key:
            return self.unexpected()
        if self.inside and optimizer.param_groups[0]["params"][0].grad is None:
            return self.unexpected()
        if self.line.made > 1:
            apart(keep, self.line, optimizer)
        self.ended, self.cleared, self.inside, self.state = now(), False, False, DONE
        return True

    @veiled
    def zero_grad(self) -> bool:
        """Note that nothing is left of the gradients of the optimizer."""
        if ident() != self.thread:
            return False
        if BACKWARD <= self.state <= STEPPING or looked_at() is not None:
            return self.unexpected()
        self.zeros += 1
        self.cleared = True
        return True

    @veiled
    def scheduler_step(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: object) -> bool:
        """Count the step of a scheduler, of which the plan asks nothing else."""
        if BACKWARD <= self.state <= STEPPING:
            return self.unexpected()
        return bool(self.shortcuts.scheduler_step(args, kwargs, result)) or self.unexpected()

    @veiled
    def clip_grad_norm_(self, args: tuple[Any, ...], kwargs: dict[str, Any], norm: object) -> bool:
        """Note the norm before clipping and the threshold."""
        if ident() != self.thread:
            return False
        if self.state != READY or looked_at() is not None or function_modes() or dispatch_modes():
            return self.unexpected()
        clip = self.shortcuts.read_clip(self.number, args, kwargs, norm)
        if clip is None:
            return self.unexpected()
        self.clip = clip
        return True
