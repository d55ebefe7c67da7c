"""Probe: whether the factors of the log-probabilities in a policy's loss are all zero, at sampled steps."""

import math
from typing import Any

import torch

from trainadvisor.record.context import Context, Routine, probe
from trainadvisor.record.handlers import unless_resting
from trainadvisor.record.losses.loss_factors import policy_factors

# Steps after which a loss without such factors is not asked again.
_TRIED = 30
# What rounding leaves of the difference of a reward from the mean of equal ones.
_ZERO = 1e-6


@probe(order=60)
class PolicyFactorsProbe:
    """Reads one number at the steps whose gradients are sampled."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found = False

    def rests_until(self, routine: Routine) -> float:
        """Rest where the first steps have shown no such loss."""
        return math.inf if routine.step > _TRIED and not self._found else routine.step

    @unless_resting
    def on_backward_begins(self, *_: Any) -> None:
        """Look at the factors while the graph is there."""
        step, root = self._context.step, self._context.losses.last_root
        if root is None or not step.sample_gradients or (step.number > _TRIED and not self._found):
            return
        factors = policy_factors(root)
        if not factors:
            return
        self._found = True
        fields = step.fields

        def arrived(values: list[float]) -> None:
            fields["factor_zero"] = min(float(not values[0]), fields.get("factor_zero", 1.0))

        with torch.no_grad():
            some = torch.stack([(factor.abs() > _ZERO).any() for factor in factors]).all()
            step.expect(self._context.values.read(some.float().reshape(1)), arrived)
