"""A plan in steps that are left out: where plain steps cost more than their share, only every few are recorded.

Of a step that is left out as little is asked as can be: whether it is made of the same calls, where its loss is
computed, and how large that is, so that a jump is seen where it comes. What its record would hold is kept as it was
given, and looked at only where something unexpected happens: then the step is recorded like any other.
"""

import math
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import dispatch_modes, function_modes, version
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.evaluations.evaluation_source import Stretch
from trainadvisor.record.shortcuts.parts import ident, now
from trainadvisor.record.shortcuts.plan import Plan
from trainadvisor.record.shortcuts.states import (
    BACKWARD,
    DONE,
    FORWARD,
    FORWARDING,
    LOSS,
    READY,
    START,
    STEPPING,
)

# No step is left out before: short runs are recorded whole.
FIRST_STEP = 1000
# Steps in a row that may be left out.
MOST = 7

_Tensor, _grad_enabled = torch.Tensor, torch.is_grad_enabled


def left_out(plan: Plan) -> int:
    """Return how many steps are left out after each that is recorded, by what these cost."""
    if plan.number < FIRST_STEP or plan.recorder.processes > 1:
        return 0
    share: float = plan.own[0] / max(1e-9, plan.seconds)
    return min(MOST, math.ceil(share / float(plan.cost.budget.share)) - 1)


class SkippingPlan(Plan):
    """A plan in a step of which no record is written, unless it turns out to be another one than those before."""

    left_out = True

    @veiled
    def batch_begins(self, iterator: object) -> bool:
        """Let the step before pass, and start the clock of the wait."""
        if not self.loads or self.drawn is not None or self.state != DONE or ident() != self.thread:
            return self._take_drawn() and super().batch_begins(iterator)
        if not self._close():
            return False
        if not self.left_out:
            return Plan.batch_begins(self, iterator)
        self.timing._asked = now()
        return True

    @veiled
    def batch_ends(self, args: tuple[Any, ...], batch: object) -> bool:
        """Keep the batch."""
        if self.state != START or self.drawn is not None or not self.active or ident() != self.thread:
            return self._take_drawn() and super().batch_ends(args, batch)
        if self.shortcuts._passes_open:
            apart(self.shortcuts._passes.on_batch_ends, args, {}, batch)
        self.drawn, self.arrived = (args, batch), now()
        return True

    @veiled
    def forward_begins(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
        """Let the step before pass, and begin the next one."""
        state = self.state
        if module is not self.module() or START < state < DONE or ident() != self.thread:
            return super().forward_begins(module, args, kwargs)
        given = args[0] if len(args) == self.count and not kwargs else None
        if type(given) is not _Tensor or given.ndim < 2 or not module.training or not _grad_enabled():
            return self._unexpected()
        if self.inside is not self.closure or (self.loads and self.drawn is None):
            return self._unexpected()
        if state == DONE:
            if not self._close():
                return False
            if not self.left_out:
                return Plan.forward_begins(self, module, args, kwargs)
        self.args, self.shape, self.state = args, given.shape, FORWARDING
        return True

    @veiled
    def forward_ends(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        """Take that the model has given something."""
        if self.state == FORWARDING and type(output) is _Tensor and self.active:
            self.state = FORWARD
        else:
            super().forward_ends(module, args, kwargs, output)

    @veiled
    def backward_begins(self, tensor: object) -> bool:
        """Read the value of the loss."""
        result = self.result
        if type(tensor) is tuple and tensor:
            tensor = tensor[0]
        if self.state != LOSS or not self.cleared or (tensor is result) is self.scaled or ident() != self.thread:
            return super().backward_begins(tensor)
        if function_modes() or dispatch_modes():
            return self._unexpected()
        value, jumps = result.item(), self.jumps  # type: ignore[union-attr]
        if not -jumps._times * jumps._usual <= value <= jumps._times * jumps._usual:
            return self._unexpected()
        self.value, self.root, self.args, self.state = value, tensor, (), BACKWARD
        return True

    @veiled
    def backward_ends(self) -> bool:
        """Note that the optimizer may step."""
        if self.state != BACKWARD or not self.active:
            return False
        self.result, self.root, self.trained, self.state = None, None, now(), READY
        return True

    @veiled
    def step_begins(self, optimizer: torch.optim.Optimizer, closure: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Read the learning rates, which a schedule may change before the plan is left."""
        if closure or self.closure or id(optimizer) != self.key or self.state != READY:
            return super().step_begins(optimizer, closure)
        self.rates, self.state = [group["lr"] for group in optimizer.param_groups], STEPPING
        self.tried[0] += 1
        return True

    @veiled
    def step_ends(self, optimizer: torch.optim.Optimizer) -> bool:
        """Note that the gradients are used up, and let go of the batch."""
        if self.state != STEPPING or id(optimizer) != self.key:
            return super().step_ends(optimizer)
        self.ended, self.cleared, self.drawn, self.state = now(), False, None, DONE
        return True

    def _close(self) -> bool:
        """Let the step pass, unless it or the next one is special to a probe."""
        number = self.number
        if number >= self.until or self.objects._dropped or self.objects.held._orphans or self.queue._waiting:
            return self._unexpected()
        if self.loads:
            self.step.fields.clear()
        self.clip, self.shape = None, None
        self.recorder.skipped += 1
        self.coming -= 1
        self._go_on(number)
        return self.active

    def _take_drawn(self) -> bool:
        """Do what was left undone of a batch that was drawn; return True."""
        if self.drawn is not None:
            (args, batch), self.drawn = self.drawn, None
            self.timing._asked += now() - self.arrived
            apart(self.shortcuts._note_batch, args, batch)
        return True

    def catch_up(self) -> None:
        """Do what was left undone of the open step."""
        state, given = self.state, self.args[0] if self.args else None
        if state == DONE and self.loads:
            self.timing._wait = self.arrived - self.timing._asked
        self._take_drawn()
        if state >= FORWARDING and self.shape is not None:
            self.batch, self.given = int(self.timing.examples_of(self.shape, self.model)), given
            if not (self.loads and self._is_drawn()) and given is not None and not self.sources.remembers(given):
                self.sources.remember(Stretch.of(given))
        if state >= BACKWARD and self.loads:
            self.order._batch_came = False
            self.shortcuts._count_draws()
            self.waited = self.timing._wait
        parameter = self.held()
        if parameter is not None:
            self.version = version(parameter)
