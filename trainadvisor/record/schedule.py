"""Decides at which steps the expensive tiers are sampled, within a budget of time."""

import math
from dataclasses import dataclass, field

FIRST_STEPS = 3
_BURST_SECONDS = 0.25
"""Time that may be spent beyond the share: short runs are looked at closely, long ones pay the share only."""
_GROWTH = 1.2
"""Whatever the budget, a step 1.2 times as far as the last sample is one: 13 in a factor of ten, so the end is seen."""


@dataclass
class Tier:
    """One tier: at most every `every` steps, and only while its cost stays within its share of the run's time."""

    every: int
    share: float
    burst: float = _BURST_SECONDS
    spent: float = 0.0
    cost: float = 0.0
    last: int = -1
    forced: bool = field(default=False)

    def due(self, step: int, elapsed: float) -> bool:
        """Say whether this step is sampled, given the seconds since the run began."""
        if self.forced or step < FIRST_STEPS:
            return True
        if step - self.last < self._gap(step):
            return False
        if step >= _GROWTH * self.last:
            return True
        return self.spent + self.cost <= self.burst + self.share * elapsed

    def _gap(self, step: int) -> int:
        """Return the distance to keep: dense at the start, growing with the step up to `every`."""
        return min(self.every, max(1, math.ceil(step / 8)))

    def charge(self, step: int, seconds: float) -> None:
        """Book the seconds that sampling a step took; one slow sample counts at most three times the usual."""
        usual = self.cost or seconds
        self.cost = 0.8 * usual + 0.2 * min(seconds, 3 * usual)
        self.spent += min(seconds, 3 * usual)
        self.last = step
        self.forced = False
