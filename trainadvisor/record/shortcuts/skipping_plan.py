"""A plan in steps that are left out: where plain steps cost more than their share, only every few are recorded.

Of a step that is left out the loss is still read, so that a jump is seen where it comes, and all that its record would
hold: where something unexpected happens in it, it is recorded like any other.
"""

import math
from typing import Any

import torch
from torch import nn

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import graph_task, version
from trainadvisor.record.shortcuts.parts import ident, now
from trainadvisor.record.shortcuts.plan import Plan
from trainadvisor.record.shortcuts.states import BACKWARD, DONE, FORWARDING, READY, START, STEPPING

# No step is left out before: short runs are recorded whole.
FIRST_STEP = 1000
# Steps in a row that may be left out.
MOST = 7

_BETWEEN = (START, DONE)
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

    def _close(self) -> bool:
        """Let the step pass, unless it or the next one is special to a probe."""
        number, recorder = self.number, self.recorder
        if number >= self.until or self.objects._dropped or self.objects.held._orphans or self.queue._waiting:
            return self._unexpected()
        if self.loads:
            self.timing._wait = 0.0
            recorder.last_epoch = self.step.fields.get("epoch", recorder.last_epoch)
            self.step.fields.clear()
        self.clip = None
        recorder.skipped += 1
        self.coming -= 1
        self._go_on(number)
        return self.active

    def catch_up(self) -> None:
        """Look up how often a parameter has been changed."""
        parameter = self.held()
        if parameter is not None:
            self.version = version(parameter)

    @veiled
    def forward_begins(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool | None:
        """Let the step before pass, and begin the next one."""
        state = self.state
        same = module is self.module() and not kwargs and len(args) == self.count and state in _BETWEEN
        if not same or self.loads or self.inside is not self.closure or ident() != self.thread or graph_task() != -1:
            return super().forward_begins(module, args, kwargs)
        given = args[0]
        batch = self.sizes.get(given.shape) if type(given) is _Tensor else None
        if batch is None or not module.training or not _grad_enabled():
            return super().forward_begins(module, args, kwargs)
        if state == DONE and not self._close():
            return False
        self.args, self.given, self.batch, self.state = args, given, batch, FORWARDING
        return True

    @veiled
    def backward_ends(self) -> bool:
        """Note that the optimizer may step."""
        if self.state != BACKWARD or not self.active:
            return False
        self.result, self.root, self.given, self.state = None, None, None, READY
        self.cost.entered = self.trained = now()
        if self.loads:
            self.waited = self.timing._wait
        return True

    @veiled
    def step_begins(self, optimizer: torch.optim.Optimizer, closure: bool = False) -> bool:  # noqa: FBT001, FBT002
        """Read the learning rates, which a schedule may change before the plan is left."""
        if closure or self.closure or id(optimizer) != self.key or self.state != READY or ident() != self.thread:
            return super().step_begins(optimizer, closure)
        rates = [group["lr"] for group in optimizer.param_groups]
        if not all(type(rate) is float for rate in rates):
            return self._unexpected()
        self.rates, self.state = rates, STEPPING
        self.tried[0] += 1
        return True
