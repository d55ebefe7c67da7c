"""Shortcuts of the step of an optimizer, and of the clearing of its gradients."""

import torch

from trainadvisor.instrument.hidden_frame import veiled
from trainadvisor.instrument.private_torch import function_modes
from trainadvisor.record.probes.parameter_coverage import CHECKED
from trainadvisor.record.shortcuts.parts import Parts, ident, looked_at, now

_OURS_TO_ASK = (torch.nn.Parameter, torch.Tensor)

STEP_BEGINS = frozenset({
    "TimingProbe", "ParameterCoverageProbe", "CallOrderProbe", "LearningRateProbe", "StepBoundaries",
})  # fmt: skip
STEP_ENDS = frozenset({"OptimizerRenewalProbe", "CallOrderProbe", "ClipOrderProbe", "StepBoundaries"})
ZERO_GRAD = frozenset({"CallOrderProbe"})


class OptimizerSteps(Parts):
    """Takes the steps of known optimizers."""

    @veiled
    def step_begins(self, optimizer: torch.optim.Optimizer) -> bool:
        """Read the learning rates, and look whether there are gradients."""
        if ident() != self._thread or looked_at() is not None or function_modes():
            return False
        order, step, key = self._order, self._recorder.step, id(optimizer)
        fact = self._objects.optimizers.get(key)
        if fact is None or fact["id"] in step.stepped:
            return False
        self._cost.entered = begun = now()
        size, rates = 0, []
        for group in optimizer.param_groups:
            size += len(group["params"])
            rate = group.get("lr")
            if type(rate) is not float:
                return False
            rates.append(rate)
        if self._coverage._sizes.get(fact["id"]) != size or step.number in CHECKED or not _has_gradient(optimizer):
            return False
        known = step.fields.get("lr")
        step.fields["lr"] = rates if known is None else known + rates
        order._tried[key][0] += 1
        self._timing._closure, self._boundaries.in_step, self._stepping = False, True, key
        self._cost.spent += now() - begun
        return True

    @veiled
    def step_ends(self, optimizer: torch.optim.Optimizer) -> bool:
        """Note that the gradients are used up."""
        key, boundaries = id(optimizer), self._boundaries
        if key != self._stepping:  # it did not begin by the shortcut
            return False
        self._stepping, self._stepped = None, key
        fact = self._objects.optimizers.get(key)
        line = None if fact is None else self._renewed._line_of.get(fact["id"])
        if fact is None or line is None or line.made > 1:
            return False
        step = self._recorder.step
        line.steps += 1
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
        step, key = self._recorder.step, id(cleared)
        if (step.micro and not step.stepped) or key not in self._objects.optimizers:
            return False
        self._cost.entered = now()
        self._counts["zero_grad"] += 1
        self._order._left[key] = False
        return True


def _has_gradient(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the first parameter has a gradient, for sure: no class of the user's may see the question."""
    parameters = optimizer.param_groups[0]["params"]
    return bool(parameters) and type(parameters[0]) in _OURS_TO_ASK and parameters[0].grad is not None
