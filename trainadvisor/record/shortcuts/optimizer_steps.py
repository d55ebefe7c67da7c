"""Shortcuts of the step of an optimizer, and of the clearing of its gradients."""

from typing import Any

import torch
from torch.optim.lr_scheduler import LRScheduler

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import function_modes
from trainadvisor.instrument.shortcut_slot import slot
from trainadvisor.instrument.user_modes import apart
from trainadvisor.record.device_readback import HostValues
from trainadvisor.record.probes.parameter_coverage import CHECKED
from trainadvisor.record.probes.renewed_optimizers import keep
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now

_OURS_TO_ASK = (torch.nn.Parameter, torch.Tensor)

STEP_BEGINS = frozenset({
    "TimingProbe", "ParameterCoverageProbe", "CallOrderProbe", "LearningRateProbe", "StepBoundaries",
})  # fmt: skip
STEP_ENDS = frozenset({"OptimizerRenewalProbe", "CallOrderProbe", "ClipOrderProbe", "StepBoundaries"})
ZERO_GRAD = frozenset({"CallOrderProbe"})
SCHEDULER_STEP = frozenset({"ParameterCoverageProbe", "CallOrderProbe"})


class OptimizerSteps(Parts):
    """Takes the steps of known optimizers."""

    @veiled
    def step_begins(  # noqa: C901, PLR0911 - written out for speed
        self,
        optimizer: torch.optim.Optimizer,
        closure: bool = False,  # noqa: FBT001, FBT002
    ) -> bool:
        """Read the learning rates, and look whether there are gradients, which a closure has yet to make."""
        if ident() != self._thread or looked_at() is not None or function_modes():
            return False
        order, step, key = self._order, self._recorder.step, id(optimizer)
        fact = self._objects.optimizers.get(key)
        if fact is None:
            return False
        self._cost.entered = begun = now()
        if fact["id"] in step.stepped:
            if self._boundaries.in_step or not self._close():
                return False
            if slot.plan is not None and slot.plan.step_begins(optimizer, closure):
                return True
            step = self._recorder.step
        size, rates = 0, []
        for group in optimizer.param_groups:
            size += len(group["params"])
            rate = group.get("lr")
            if type(rate) is not float:
                rate = self._number_in(rate)
                if rate is None:
                    return False
            rates.append(rate)
        if self._coverage._sizes.get(fact["id"]) != size or step.number in CHECKED:
            return False
        if key not in order._tried or not (closure or _has_gradient(optimizer)):
            return False
        known = step.fields.get("lr")
        step.fields["lr"] = rates if known is None else known + rates
        order._tried[key][0] += not closure
        order._closure = closure
        self._timing._closure, self._boundaries.in_step, self._stepping = closure, True, key
        self._cost.spent += now() - begun
        return True

    def _number_in(self, rate: object) -> float | None:
        """Return the number in a tensor that can be read at once."""
        plain = type(rate) in _OURS_TO_ASK and type(self._recorder.values) is HostValues
        return rate.item() if plain and not rate.ndim and not rate.is_meta else None  # type: ignore[attr-defined]

    @veiled
    def step_ends(self, optimizer: torch.optim.Optimizer) -> bool:
        """Note that the gradients are used up."""
        key, boundaries = id(optimizer), self._boundaries
        if key != self._stepping:  # it did not begin by the shortcut
            return False
        self._stepping, self._stepped = None, key
        fact = self._objects.optimizers.get(key)
        line = None if fact is None else self._renewed._line_of.get(fact["id"])
        if fact is None or line is None or line.empty or (self._order._closure and not _has_gradient(optimizer)):
            return False
        step = self._recorder.step
        line.steps += 1
        if line.made > 1:
            apart(keep, line, optimizer)
        self._counts["step"] += 1
        self._order._left[key] = self._clipping._stepped = True
        boundaries.in_step = False
        boundaries.stepping()
        step.stepped.append(fact["id"])
        step.ended = self._cost.entered = now()
        return True

    @veiled
    def zero_grad(self, cleared: object) -> bool:
        """Note that nothing is left of the gradients of an optimizer."""
        if ident() != self._thread or looked_at() is not None:
            return False
        step, left = self._recorder.step, self._order._left
        if step.micro and not step.stepped:
            return False
        if id(cleared) in self._objects.optimizers:
            left[id(cleared)] = False
        elif isinstance(cleared, torch.nn.Module):
            for key in left:
                left[key] = False
        else:
            return False
        self._cost.entered = now()
        self._counts["zero_grad"] += 1
        return True

    @veiled
    def scheduler_step(self, args: tuple[Any, ...], _: dict[str, Any], __: object) -> bool:
        """Count the step of a known scheduler, after that of its optimizer."""
        if ident() != self._thread or looked_at() is not None:
            return False
        number = self._objects._numbers.get(("scheduler", id(args[0])))
        if number is None or number not in self._objects._told_schedulers:
            return False
        step = self._recorder.step
        if (step.micro and not step.done) or not isinstance(args[0], LRScheduler):
            return False
        self._cost.entered = now()
        self._order._schedulers[number] += 1
        return True


def _has_gradient(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the first parameter has a gradient, for sure: no class of the user's may see the question."""
    parameters = optimizer.param_groups[0]["params"]
    return bool(parameters) and type(parameters[0]) in _OURS_TO_ASK and parameters[0].grad is not None
